import type { DatabaseMonitor } from '../../ops/monitor/types.ts';
import type { StatementCounters, StatementKey, StatementTotals, Store, TimeRange } from '../../ops/store/types.ts';
import { sumCounters } from '../present/statements.ts';
import type { MetricFamily } from './exposition.ts';

/** Scrapes within this time see the same values. */
const minIntervalMs = 5000;
/** How often it is looked which statements are the heaviest, and over what time. */
const chooseEveryMs = 600_000;
const chooseOverMs = 3_600_000;
/** How long a scrape waits for what was just collected to be written. */
const flushMs = 1000;

/** What has been counted for one database since the server began. */
interface Tally {
  /** Up to when history has been counted. */
  until: Date;
  chosenAt: number;
  /** Statements with series of their own, by the store's number. */
  named: Map<number, { key: StatementKey; counters: StatementCounters }>;
  /** All others together. */
  other: StatementCounters;
}

/**
 * Counters of the heaviest statements, and of the rest under `queryid="other"`. Each grows only: what a statement did
 * while it had no series of its own stays in "other". A database's series appear once history has something of it and
 * stand still while the store is away.
 *
 * @param top How many statements have series of their own.
 */
export function createStatementFamilies(store: Store | undefined, top: number) {
  const startedAt = new Date();
  const tallies = new Map<number, Tally>();
  let running: Promise<void> | undefined;
  let updatedAt = Number.NEGATIVE_INFINITY;

  async function update(monitors: readonly DatabaseMonitor[]): Promise<void> {
    if (store === undefined || top === 0 || performance.now() - updatedAt < minIntervalMs) return;
    if (!(await flushed(store))) return;
    updatedAt = performance.now();
    for (const { targetId } of monitors) {
      const tally = tallies.get(targetId) ?? {
        until: startedAt,
        chosenAt: 0,
        named: new Map(),
        other: sumCounters([]),
      };
      tallies.set(targetId, await advance(store, targetId, tally, top));
    }
  }

  return async (monitors: readonly DatabaseMonitor[]): Promise<MetricFamily[]> => {
    // While the store is away the counters stand still; /metrics goes on.
    running ??= update(monitors)
      .catch(() => {})
      .finally(() => (running = undefined));
    await running;
    return families(
      monitors.flatMap(({ name, targetId }) => {
        const tally = tallies.get(targetId);
        return tally === undefined ? [] : rowsOf(name, tally);
      }),
    );
  };
}

async function flushed(store: Store): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(resolve, flushMs, false);
  store.flush().then(
    () => resolve(true),
    () => resolve(false),
  );
  return promise.finally(() => clearTimeout(timer));
}

/** Counts what history has gained since. A new tally, so that a failure half-way changes nothing. */
async function advance(store: Store, targetId: number, tally: Tally, top: number): Promise<Tally> {
  const { history } = store;
  const range: TimeRange = { from: tally.until, to: new Date() };
  const question = { targetId, orderBy: 'totalExecUs', descending: true, own: 'exclude' } as const;
  const choose = range.to.getTime() - tally.chosenAt > chooseEveryMs || tally.named.size < top;
  const chosen = choose
    ? await history.statements({
        ...question,
        from: new Date(range.to.getTime() - chooseOverMs),
        to: range.to,
        limit: top,
      })
    : undefined;
  const named = chosen === undefined ? new Map(tally.named) : keepNamed(tally, chosen.statements);
  const { totals } = await history.statements({ ...question, ...range, limit: 1 });
  const gains = await gainsOf(store, targetId, [...named.keys()], range);
  for (const [id, { key, counters }] of named) {
    named.set(id, { key, counters: sumCounters([counters, gains.get(id) ?? sumCounters([])]) });
  }
  const rest = subtract(totals, sumCounters(gains.values()));
  return {
    until: range.to,
    chosenAt: choose ? range.to.getTime() : tally.chosenAt,
    named,
    other: sumCounters([tally.other, rest]),
  };
}

function keepNamed(tally: Tally, chosen: readonly StatementTotals[]): Tally['named'] {
  return new Map(chosen.map(({ id, key }) => [id, tally.named.get(id) ?? { key, counters: sumCounters([]) }]));
}

async function gainsOf(
  store: Store,
  targetId: number,
  ids: number[],
  range: TimeRange,
): Promise<Map<number, StatementCounters>> {
  if (ids.length === 0) return new Map();
  const series = await store.history.statementSeries({ targetId, ids, ...range, step: 10 });
  return new Map([...series].map(([id, { points }]) => [id, sumCounters(points.map(({ counters }) => counters))]));
}

/** `a − b`, never below zero: a counter must not fall. */
function subtract(a: StatementCounters, b: StatementCounters): StatementCounters {
  const result = { ...a };
  for (const name of Object.keys(result) as (keyof StatementCounters)[]) result[name] = Math.max(0, a[name] - b[name]);
  return result;
}

interface Row {
  labels: Record<string, string>;
  counters: StatementCounters;
}

function rowsOf(target: string, { named, other }: Tally): Row[] {
  const rows = [...named.values()].map(({ key, counters }) => ({
    labels: { target, queryid: key.queryId, database: key.database, user: key.user, toplevel: String(key.toplevel) },
    counters,
  }));
  return [...rows, { labels: { target, queryid: 'other', database: '', user: '', toplevel: '' }, counters: other }];
}

function families(rows: readonly Row[]): MetricFamily[] {
  const family = (name: string, help: string, value: (counters: StatementCounters) => number): MetricFamily => ({
    name: `pitcrew_statement_${name}`,
    help: `${help} of the heaviest statements; the rest is queryid="other"`,
    type: 'counter',
    series: rows.map(({ labels, counters }) => ({ labels, value: value(counters) })),
  });
  return [
    family('calls', 'Calls', (counters) => counters.calls),
    family('exec_seconds', 'Execution time', (counters) => counters.totalExecUs / 1e6),
    family('rows', 'Rows', (counters) => counters.rows),
    family('shared_blocks_read', 'Blocks read from outside shared buffers', (counters) => counters.sharedRead),
    family('temp_blocks_written', 'Temporary blocks written', (counters) => counters.tempWritten),
    family('wal_bytes', 'WAL bytes', (counters) => counters.walBytes),
  ];
}
