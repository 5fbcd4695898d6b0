import type { StatementRow } from '../../../engine/postgres/index.ts';
import type { StatementCounters, StatementDelta, StatementKey } from '../../store/index.ts';
import { statementKeyText } from '../../store/index.ts';
import type { Increase, Reading, Rules } from './baseline.ts';

/** A row of pg_stat_statements with its cumulative values in the order of `fields`. */
export interface StatementReading extends Reading {
  name: StatementKey;
}

/** Order of the values in a baseline. What is stored depends on it: add at the end of the counters only. */
const fields = [
  'calls',
  'rows',
  'totalExecUs',
  'plans',
  'totalPlanUs',
  'sharedHit',
  'sharedRead',
  'sharedDirtied',
  'sharedWritten',
  'localRead',
  'localWritten',
  'tempRead',
  'tempWritten',
  'blockReadUs',
  'blockWriteUs',
  'walRecords',
  'walFpi',
  'walBytes',
  'jitUs',
  'sumSquaresMs2',
] as const satisfies readonly (keyof StatementCounters)[];

const counters = fields.length - 1;
const minimum = fields.length;
const maximum = fields.length + 1;
const ownFlag = fields.length + 2;

/**
 * How statements are counted. Before extension 1.11 nothing tells that an entry was evicted and came back with more calls
 * than it had: then its shortest execution has become longer or its longest shorter, which cannot be otherwise. From 1.11
 * on both are left at 0, because they can be reset alone and `stats_since` says it better.
 */
export const statementRules: Rules = {
  counters,
  sums: 1,
  begunAnew: (before, now) =>
    Boolean(before[maximum] && now[maximum]) &&
    ((now[minimum] ?? 0) > (before[minimum] ?? 0) || (now[maximum] ?? 0) < (before[maximum] ?? 0)),
};

/**
 * Whole microseconds. Cumulative values are rounded before they are subtracted: however the time is cut, the parts add up
 * to the rounded whole.
 */
const micros = (ms: number): number => Math.round(ms * 1000);

/**
 * Baselines go by oid, so that a renamed database or role is not taken for a new one. Joined, because a template would
 * keep the parts in memory as well.
 */
export function statementBaselineKey(
  row: Pick<StatementRow, 'queryId' | 'toplevel' | 'databaseId' | 'userId'>,
): string {
  return [row.queryId, row.toplevel ? 't' : 'n', row.databaseId, row.userId].join('/');
}

/**
 * @param reset When all entries were last reset: tells entries of before and after apart where they do not say it.
 * @param own Whether it is one of Pitcrew's own; remembered with the baseline.
 */
export function statementReading(row: StatementRow, reset: Date | null, own: boolean): StatementReading {
  const since = row.statsSince?.toISOString();
  return {
    key: statementBaselineKey(row),
    name: { database: row.database, user: row.user, queryId: row.queryId, toplevel: row.toplevel },
    // A literal, in the order of `fields`: it takes no more memory than it has values.
    values: [
      row.calls,
      row.rows,
      micros(row.totalExecMs),
      row.plans,
      micros(row.totalPlanMs),
      row.sharedHit,
      row.sharedRead,
      row.sharedDirtied,
      row.sharedWritten,
      row.localRead,
      row.localWritten,
      row.tempRead,
      row.tempWritten,
      micros(row.blockReadMs + (row.tempBlockReadMs ?? 0)),
      micros(row.blockWriteMs + (row.tempBlockWriteMs ?? 0)),
      row.walRecords,
      row.walFpi,
      row.walBytes,
      micros(row.jitMs),
      // PostgreSQL's deviation is that of the population: sum of squares = calls × (deviation² + mean²).
      row.calls * (row.stddevExecMs ** 2 + row.meanExecMs ** 2),
      since === undefined ? row.minExecMs : 0,
      since === undefined ? row.maxExecMs : 0,
      own ? 1 : 0,
    ],
    stamp: since ?? (reset ? `reset ${reset.toISOString()}` : undefined),
    memo: row.change,
  };
}

/** Whether a remembered statement is one of Pitcrew's own. */
export function isOwnEntry(values: readonly number[]): boolean {
  return values[ownFlag] === 1;
}

/** Counters out of values in the order of a baseline. */
function countersOf(by: readonly number[]): StatementCounters {
  return Object.fromEntries(fields.map((field, index) => [field, by[index] ?? 0])) as unknown as StatementCounters;
}

/**
 * Increases by the name of the statement. A dropped and recreated database or role leaves two entries with the same name:
 * they are added up.
 */
export function statementDeltas(increases: readonly Increase<StatementReading>[]): StatementDelta[] {
  const byName = new Map<string, StatementDelta>();
  for (const { reading, by } of increases) {
    const name = statementKeyText(reading.name);
    const other = byName.get(name);
    const found = countersOf(by);
    if (other) for (const field of fields) found[field] += other.counters[field];
    byName.set(name, { key: reading.name, counters: found });
  }
  return [...byName.values()];
}
