import type { DatabaseMonitor } from '../../ops/monitor/index.ts';
import type { StatementCounters, StatementKey, StatementTotals, Store, TimeRange } from '../../ops/store/index.ts';
import { sumCounters } from '../present/statements.ts';
import type { MetricFamily } from './exposition.ts';

/** Samples are kept in buckets of this width, and history answers in whole ones. */
const bucketMs = 10_000;
/**
 * How far the counters stay behind: a sample bears the time at which it was begun, and no collector takes longer.
 */
const delayMs = 10_000;
/** Scrapes that are further apart than this miss what lies between: only raw samples can be cut anywhere. */
const longestGapMs = 900_000;
/** How often it is looked which statements are the heaviest, and over what time. */
const chooseEveryMs = 600_000;
const chooseOverMs = 3_600_000;
/** How long a scrape waits for what was just collected to be written. */
const flushMs = 1000;

/** What has been counted for one database since the server began. */
interface Tally {
  /** Up to when history has been counted, in ms since 1970. */
  until: number;
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
 * @param since What happened before is not counted.
 */
export function createStatementFamilies(store: Store | undefined, top: number, since = new Date()) {
  const tallies = new Map<number, Tally>();
  let running: Promise<void> | undefined;

  async function update(monitors: readonly DatabaseMonitor[]): Promise<void> {
    if (store === undefined || top === 0) return;
    const until = wholeBuckets(Date.now() - delayMs);
    const due = monitors.flatMap(({ targetId }) => {
      const tally = tallies.get(targetId) ?? emptyTally(wholeBuckets(since.getTime()));
      return tally.until < until ? [{ targetId, tally }] : [];
    });
    if (due.length === 0 || !(await flushed(store))) return;
    for (const { targetId, tally } of due) tallies.set(targetId, await advance(store, targetId, tally, until, top));
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

function emptyTally(until: number): Tally {
  return { until, chosenAt: 0, named: new Map(), other: sumCounters([]) };
}

function wholeBuckets(ms: number): number {
  return Math.floor(ms / bucketMs) * bucketMs;
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
async function advance(store: Store, targetId: number, tally: Tally, until: number, top: number): Promise<Tally> {
  const { history } = store;
  const range: TimeRange = { from: new Date(Math.max(tally.until, until - longestGapMs)), to: new Date(until) };
  const question = { targetId, orderBy: 'totalExecUs', descending: true, own: 'exclude' } as const;
  const choose = until - tally.chosenAt > chooseEveryMs || tally.named.size < top;
  const chosen = choose
    ? await history.statements({
        ...question,
        from: new Date(until - chooseOverMs),
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
    until,
    chosenAt: choose ? until : tally.chosenAt,
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
  const series = await store.history.statementSeries({ targetId, ids, ...range, step: bucketMs / 1000 });
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
