import { setTimeout as delay } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { parseDuration } from '../../config/index.ts';
import type { DatabaseMonitor } from '../../ops/monitor/index.ts';
import { print, printJson } from '../output.ts';
import { loadSettings, requireDatabases, withCommonOptions } from '../options.ts';

interface MonitorOptions {
  continuous?: boolean;
  interval: number;
  json?: boolean;
}

export function monitorCommand(): Command {
  const command = new Command('monitor').description(
    'Look at the databases once (or on and on) without history. Exit code 1 when a check is critical.',
  );
  return withCommonOptions(command, ({ path }) => ['databases', 'monitor'].includes(path[0] ?? ''))
    .option('--continuous', 'go on until interrupted')
    .option('--interval <seconds>', 'seconds between two looks; rates are over this time', parseInterval, 2000)
    .action(async () => {
      const options = command.opts<MonitorOptions>();
      const loaded = await loadSettings(command);
      const databases = requireDatabases(loaded);
      const { createMonitor, statementScopes } = await import('../../ops/monitor/index.ts');
      const abort = new AbortController();
      const interrupt = (): void => abort.abort();
      process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
      const scopes = statementScopes(Object.fromEntries(databases));
      const { cadence } = loaded.config.monitor;
      const config = { ...loaded.config.monitor, cadence: { ...cadence, ...onlyWhenAsked } };
      const monitors = databases.map(([name, url]) => createMonitor({ name, url, config, statements: scopes[name] }));
      try {
        await watch(monitors, options, abort.signal);
      } finally {
        process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
        await Promise.all(monitors.map((monitor) => monitor.stop()));
      }
      process.exitCode = abort.signal.aborted ? 130 : exitCodeFor(monitors);
    });
}

/** Rates are over the time between two looks, so nothing may be read in between. */
const onlyWhenAsked = { statements: 86_400_000, instance: 86_400_000 };

async function watch(monitors: DatabaseMonitor[], options: MonitorOptions, signal: AbortSignal): Promise<void> {
  const { lookAt } = await import('../screen/look.ts');
  const { monitorScreen } = await import('../screen/monitor-screen.ts');
  const { monitorDocument } = await import('../screen/monitor-document.ts');
  await Promise.all(monitors.map((monitor) => monitor.collectNow()));
  do {
    // Rates need two readings.
    await delay(options.interval, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    await Promise.all(monitors.map((monitor) => monitor.collectNow(['activity', 'statements', 'instance'])));
    const span = options.continuous ? 'lately' : 'ever';
    const looks = await Promise.all(monitors.map((monitor) => lookAt(monitor, span)));
    const now = new Date();
    if (options.json) {
      const document = { at: now.toISOString(), databases: looks.map((look) => monitorDocument(look)) };
      // One document per look: a line each when there are many.
      if (options.continuous) print(JSON.stringify(document));
      else printJson(document);
    } else {
      if (options.continuous && process.stdout.isTTY) process.stdout.write('\u001B[2J\u001B[H');
      print(looks.map((look) => monitorScreen(look, now)).join('\n\n'));
    }
  } while (options.continuous && !signal.aborted);
}

/** 3 when a database cannot be watched, 1 when a check is critical, else 0. */
function exitCodeFor(monitors: DatabaseMonitor[]): number {
  if (monitors.some((monitor) => monitor.status().connection !== 'watching')) return 3;
  return monitors.some((monitor) => monitor.health().checks.some(({ status }) => status === 'critical')) ? 1 : 0;
}

function parseInterval(text: string): number {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (ms === undefined || ms < 500 || ms > 3_600_000) throw new InvalidArgumentError('Give seconds from 0.5 to 3600.');
  return ms;
}
