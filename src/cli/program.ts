import { Command, CommanderError, Help, type Option } from 'commander';
import { PitcrewError } from '../errors.ts';
import { printError } from './output.ts';
import { keepHeapSmall } from './small-heap.ts';
import { packageVersion } from './version.ts';

/** In the order of the help. Only the one that is run is loaded: PostgreSQL starts one for every segment of the log. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import('./commands/demo.ts')).demoCommand(),
  serve: async () => (await import('./commands/serve.ts')).serveCommand(),
  monitor: async () => (await import('./commands/monitor.ts')).monitorCommand(),
  explain: async () => (await import('./commands/explain.ts')).explainCommand(),
  index: async () => (await import('./commands/index-analyze.ts')).indexCommand(),
  optimize: async () => (await import('./commands/optimize.ts')).optimizeCommand(),
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand(),
  init: async () => (await import('./commands/init.ts')).initCommand(),
  advise: async () => (await import('./commands/advise.ts')).adviseCommand(),
  cache: async () => (await import('./commands/cache.ts')).cacheCommand(),
  backup: async () => (await import('./commands/backup.ts')).backupCommand(),
  restore: async () => (await import('./commands/restore.ts')).restoreCommand(),
};

/** What passes whole databases through makes garbage as fast as it reads. */
const manyBytes = ['backup', 'restore'];

/**
 * Runs one command line.
 * @returns the exit code: 0 done; 1 done, and something was found; 2 wrong usage or configuration; 3 a server cannot be
 * reached, or refuses us or a statement; 4 refused because it would be unsafe; 130 interrupted.
 */
export async function runCommand(argv: string[]): Promise<number> {
  const [name = '', nested] = argv;
  if (manyBytes.includes(name)) keepHeapSmall({ fast: name === 'restore' });
  const program = await (name === 'backup' && nested === 'fetch-wal' ? fetchProgram() : createProgram(name));
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

/** One command with its flags; all of them when there is none of that name. */
export async function createProgram(name = ''): Promise<Command> {
  const only = Object.hasOwn(commands, name) ? commands[name] : undefined;
  const made: Command[] = [];
  for (const load of only ? [only] : Object.values(commands)) made.push(await load());
  return programOf(made);
}

/** What a restored server runs, and nothing else. */
async function fetchProgram(): Promise<Command> {
  const { fetchCommand } = await import('./backup/fetch/fetch-command.ts');
  return programOf([new Command('backup').addCommand(fetchCommand())]);
}

function programOf(made: readonly Command[]): Command {
  const program = new Command('pitcrew')
    .description('Watches a PostgreSQL database and says, in plain sentences, what is wrong with it and what to do.')
    .version(packageVersion())
    .helpCommand(true)
    .showSuggestionAfterError(true)
    .showHelpAfterError(false)
    .configureHelp({ optionDescription })
    .configureOutput({ outputError: () => {} })
    .exitOverride();
  for (const command of made) {
    program.addCommand(command.copyInheritedSettings(program));
    for (const nested of command.commands) nested.copyInheritedSettings(program);
  }
  return program;
}

/** Of a flag that can be repeated, and is not given by default, no default is told. */
const optionDescription = (option: Option): string =>
  new Help().optionDescription(option).replace(' (default: [])', '').replace('(default: [], ', '(');

function usageHint(error: CommanderError): string {
  return error.code === 'commander.help'
    ? 'Name a command.'
    : '"pitcrew --help" lists the commands, "pitcrew COMMAND --help" its flags.';
}
