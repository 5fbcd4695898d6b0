import { Command, InvalidArgumentError, Option } from 'commander';
import type { CacheCommand } from '../../server/api/caches.ts';
import { PitcrewError } from '../../errors.ts';
import { parseDuration } from '../../config/index.ts';
import { confirm } from '../confirm.ts';
import { DaemonClient } from '../daemon-client.ts';
import { loadDaemonAddress, withDaemonOptions } from '../options.ts';
import { note, print, printJson } from '../output.ts';

interface CacheOptions {
  application?: string;
  cache?: string;
  json?: boolean;
  quiet?: boolean;
  timeout: number;
}

export function cacheCommand(): Command {
  const command = new Command('cache').description(
    'Caches of applications that report to "pitcrew serve": how well they do, and clearing, invalidating, warming.',
  );
  for (const nested of [statsCommand(), clearCommand(), invalidateCommand(), warmCommand()]) command.addCommand(nested);
  return command;
}

function withCacheOptions(command: Command): Command {
  return withDaemonOptions(command)
    .option('--application <name>', 'only caches of this application')
    .option('--cache <name>', 'only caches of this name');
}

function withTimeout(command: Command, defaultMs: number): Command {
  return command.addOption(
    new Option('--timeout <seconds>', 'how long to wait for all processes')
      .argParser(parseTimeout)
      .default(defaultMs, String(defaultMs / 1000)),
  );
}

async function clientOf(command: Command): Promise<DaemonClient> {
  return new DaemonClient(await loadDaemonAddress(command));
}

function statsCommand(): Command {
  const command = new Command('stats').description(
    'Hits by tier, loads, evictions, invalidations, groups of keys. Exit code 1 when a tier is away or a change stream is not read.',
  );
  return withCacheOptions(command)
    .option('--from <span>', 'over which time until now, such as 15m or 6h (default: 1h)')
    .action(async () => {
      const { application, cache, json, from } = command.opts<CacheOptions & { from?: string }>();
      const client = await clientOf(command);
      const { cacheStats } = await import('../../server/api/caches.ts');
      const stats = await client.ask(cacheStats, '/cache/stats', { query: { application, cache, from } });
      const { cacheScreen, isTroubled } = await import('../screen/cache-screen.ts');
      if (json) printJson(stats);
      else print(cacheScreen(stats));
      process.exitCode = stats.caches.some((each) => isTroubled(each)) ? 1 : 0;
    });
}

function clearCommand(): Command {
  const command = new Command('clear').description('Clear caches, in all processes and tiers.');
  return withTimeout(withCacheOptions(command), 60_000)
    .option('--yes', 'do not ask')
    .action(async () => {
      const options = command.opts<CacheOptions & { yes?: boolean }>();
      const client = await clientOf(command);
      if (!options.yes && !(await confirm(() => questionOf(client, options)))) {
        note('Nothing was cleared.');
        process.exitCode = 130;
        return;
      }
      await carryOut(client, 'clear', {}, options);
    });
}

/** `undefined` when nobody would do it: then asking for it says so. */
async function questionOf(client: DaemonClient, options: CacheOptions): Promise<string | undefined> {
  const { application, cache } = options;
  const { cacheStats } = await import('../../server/api/caches.ts');
  const { caches } = await client.ask(cacheStats, '/cache/stats', { query: { application, cache, from: '15m' } });
  const live = caches.filter(({ processes }) => processes > 0).map((each) => `${each.application}/${each.name}`);
  if (live.length === 0) return undefined;
  const named = live.length > 5 ? `${live.slice(0, 5).join(', ')} and ${live.length - 5} more` : live.join(', ');
  return `Clear ${named}, in all processes and tiers?`;
}

function invalidateCommand(): Command {
  const command = new Command('invalidate').description(
    'Invalidate what is named, in all processes and tiers; each flag can be given again and again.',
  );
  return withTimeout(withCacheOptions(command), 60_000)
    .option('--key <key>', 'an entry', collect, [])
    .option('--tag <tag>', 'all entries that bear the tag', collect, [])
    .option('--pattern <pattern>', 'all keys that match; * stands for any characters', collect, [])
    .option('--table <table>', 'results of a table, of caches of queries', collect, [])
    .action(async () => {
      const options = command.opts<CacheOptions & Record<'key' | 'tag' | 'pattern' | 'table', string[]>>();
      const { key: keys, tag: tags, pattern: patterns, table: tables } = options;
      if (keys.length + tags.length + patterns.length + tables.length === 0) {
        throw new PitcrewError('E_USAGE', 'nothing to invalidate is named', {
          hint: 'Give --key, --tag, --pattern or --table; "pitcrew cache clear" takes everything.',
        });
      }
      await carryOut(await clientOf(command), 'invalidate', { keys, tags, patterns, tables }, options);
    });
}

function warmCommand(): Command {
  const command = new Command('warm')
    .description('Run a warmer of the application, in all processes that have it.')
    .argument('<warmer>', 'its name');
  return withTimeout(withCacheOptions(command), 120_000).action(async (warmer: string) => {
    await carryOut(await clientOf(command), 'warm', { warmer }, command.opts<CacheOptions>());
  });
}

/** Asks for it, waits until all live processes have done it, and says what came of it. */
async function carryOut(
  client: DaemonClient,
  action: CacheCommand['action'],
  named: object,
  { application, cache, json, quiet, timeout }: CacheOptions,
): Promise<void> {
  const { followCommand } = await import('../cache/follow-command.ts');
  const { commandScreen } = await import('../screen/cache-command-screen.ts');
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once('SIGINT', interrupt);
  try {
    const command = await followCommand({
      client,
      action,
      body: { application, cache, ...named },
      timeoutMs: timeout,
      signal: interrupted.signal,
      quiet: quiet ?? false,
    });
    if (json) printJson(command);
    else print(commandScreen(command));
    if (interrupted.signal.aborted) {
      note('Interrupted. It was asked for already: processes that report within ten minutes still do it.');
    }
    const isDone = command.finished && command.failed === 0 && command.done > 0;
    process.exitCode = interrupted.signal.aborted ? 130 : isDone ? 0 : 1;
  } finally {
    process.off('SIGINT', interrupt);
  }
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function parseTimeout(text: string): number {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (ms === undefined || ms < 1000 || ms > 600_000) throw new InvalidArgumentError('Give seconds from 1 to 600.');
  return ms;
}
