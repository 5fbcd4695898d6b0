import { Command, CommanderError } from 'commander';
import { PitcrewError } from '../errors.ts';
import { adviseCommand } from './commands/advise.ts';
import { backupCommand } from './commands/backup.ts';
import { cacheCommand } from './commands/cache.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { explainCommand } from './commands/explain.ts';
import { indexCommand } from './commands/index-analyze.ts';
import { initCommand } from './commands/init.ts';
import { monitorCommand } from './commands/monitor.ts';
import { optimizeCommand } from './commands/optimize.ts';
import { restoreCommand } from './commands/restore.ts';
import { serveCommand } from './commands/serve.ts';
import { printError } from './output.ts';
import { packageVersion } from './version.ts';

/**
 * Runs one command line.
 * @returns the exit code: 0 done; 1 done, and something was found; 2 wrong usage or configuration; 3 a server cannot be
 * reached, or refuses us or a statement; 4 refused because it would be unsafe; 130 interrupted.
 */
export async function runCommand(argv: string[]): Promise<number> {
  const program = createProgram();
  const json = argv.includes('--json');
  try {
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      const text = error.code === 'commander.help' ? 'no command is named' : error.message.replace(/^error: /, '');
      printError(new PitcrewError('E_USAGE', text, { hint: usageHint(error) }), { json });
      return 2;
    }
    return printError(error, { json });
  }
}

/** All commands with their flags. */
export function createProgram(): Command {
  const program = new Command('pitcrew')
    .description('Watches a PostgreSQL database and says, in plain sentences, what is wrong with it and what to do.')
    .version(packageVersion())
    .helpCommand(true)
    .showSuggestionAfterError(true)
    .showHelpAfterError(false)
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  const commands = [
    demoCommand(),
    serveCommand(),
    monitorCommand(),
    explainCommand(),
    indexCommand(),
    optimizeCommand(),
    doctorCommand(),
    initCommand(),
    adviseCommand(),
    cacheCommand(),
    backupCommand(),
    restoreCommand(),
  ];
  for (const command of commands) {
    program.addCommand(command.copyInheritedSettings(program));
    for (const nested of command.commands) nested.copyInheritedSettings(program);
  }
  return program;
}

function usageHint(error: CommanderError): string {
  return error.code === 'commander.help'
    ? 'Name a command.'
    : '"pitcrew --help" lists the commands, "pitcrew COMMAND --help" its flags.';
}
