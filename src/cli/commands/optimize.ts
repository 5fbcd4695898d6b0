import { Command } from 'commander';
import { collect } from '../collect.ts';
import { type OptimizeOptions, parseSessions, parseTime, parseTimeOrNever, partsOf } from '../optimize/options.ts';
import type { Optimized } from '../optimize/optimize-database.ts';
import { loadSettings, requireDatabases, withCommonOptions } from '../options.ts';
import { note, print, printJson } from '../output.ts';

export function optimizeCommand(): Command {
  const command = new Command('optimize').description(
    'Do the maintenance that databases need, and nothing else: statistics, dead rows, bloated and invalid indexes, stale sessions. Without the name of a part: all of them. Exit code 1 when something is left undone.',
  );
  return withCommonOptions(command, ({ path }) => ['databases', 'store'].includes(path[0] ?? ''))
    .option('--metrics', 'show the figures that tell how the database fares')
    .option('--explain', 'plan the statements that take most time, and say what stands out')
    .option('--analyze', 'ANALYZE where statistics are missing or old')
    .option('--optimize', 'VACUUM, REINDEX and remove broken indexes, where that is needed')
    .option('--cleanup', 'end sessions that are idle in a transaction, or idle, for too long')
    .option('--dry-run', 'show what would be done, and why; change nothing')
    .option('--yes', 'do not ask')
    .option('--max-time <time>', 'end after this time (default: 30m)', parseTime, 1_800_000)
    .option('--max-active <sessions>', 'wait while so many sessions are at work (default: 8)', parseSessions, 8)
    .option(
      '--force',
      'rebuild indexes also where it cannot be told whether there is room, or whether others would be held up',
    )
    .option(
      '--idle-in-transaction <time|never>',
      'end sessions idle in a transaction for so long (default: 1h)',
      parseTimeOrNever,
      3_600_000,
    )
    .option('--idle <time|never>', 'end sessions idle for so long (default: never)', parseTimeOrNever, null)
    .option('--except-role <role>', 'leave the sessions of this role alone; can be repeated', collect, [])
    .option(
      '--except-application <name>',
      'leave sessions with this application_name alone; can be repeated',
      collect,
      [],
    )
    .action(async () => {
      const options = command.opts<OptimizeOptions>();
      const loaded = await loadSettings(command);
      const { optimizeDatabase } = await import('../optimize/optimize-database.ts');
      const { optimizeScreen } = await import('../screen/optimize-screen.ts');
      const { optimizeDocument } = await import('../optimize/document.ts');
      const width = process.stdout.columns ?? 100;
      const abort = new AbortController();
      const interrupt = (): void => {
        note('Stopping …');
        abort.abort();
      };
      process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
      const all: Optimized[] = [];
      try {
        for (const [name, url] of requireDatabases(loaded)) {
          if (abort.signal.aborted) break;
          const show = (found: Optimized): void => note(optimizeScreen(found, width));
          const target = { name, url, loaded, options, wanted: partsOf(options), signal: abort.signal, show };
          const found = await optimizeDatabase(target);
          all.push(found);
          if (!options.json) print(optimizeScreen(found, width));
        }
      } finally {
        process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
      }
      if (options.json) printJson({ databases: all.map(optimizeDocument) });
      process.exitCode = abort.signal.aborted ? 130 : all.some(isLeftUndone) ? 1 : 0;
    });
}

/** Whether something is needed that was not done. */
function isLeftUndone({ plan, results, stale, ended }: Optimized): boolean {
  const done = results.filter(({ outcome, reason }) => outcome === 'done' || reason === 'it is not needed any more');
  return (
    done.length < (plan?.tasks.length ?? 0) ||
    ended.filter(({ outcome }) => outcome !== 'failed').length < (stale?.sessions.length ?? 0)
  );
}
