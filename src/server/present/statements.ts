import {
  type ApplicationFigures,
  type StatementCounters,
  type StatementSeriesAnswer,
  type StatementTotals,
  zeroStatement,
} from '../../ops/store/index.ts';
import type { StatementSummary } from '../api/queries.ts';
import { presentFigures } from './applications.ts';
import { ratio } from './values.ts';

/** What all summaries of one answer share. */
export interface SummaryContext {
  /** Seconds of the range in which statistics were collected. */
  coveredSeconds: number;
  /** Execution time of all statements in the range, in microseconds: what `share` is a share of. */
  allExecUs: number;
  /** A statement whose mean is at least this many ms is slow. */
  slowMs: number;
  sparks: ReadonlyMap<number, StatementSeriesAnswer>;
  /** What applications measured, by fingerprint. */
  applications: ReadonlyMap<string, ApplicationFigures>;
  /** The database that applications report for; others of the server have statements of their own. */
  ownDatabase: string | undefined;
}

/** A statement as lists show it. Times become milliseconds here and nowhere else. */
export function summarise(statement: StatementTotals, context: SummaryContext): StatementSummary {
  const { counters, key } = statement;
  const meanMs = meanMsOf(counters);
  const application = isReportable(statement, context)
    ? context.applications.get(statement.fingerprint ?? '')
    : undefined;
  return {
    id: statement.id,
    queryId: key.queryId,
    database: key.database,
    user: key.user,
    toplevel: key.toplevel,
    text: statement.text,
    own: statement.own,
    calls: counters.calls,
    callsPerSecond: ratio(counters.calls, context.coveredSeconds),
    rows: counters.rows,
    totalMs: counters.totalExecUs / 1000,
    meanMs,
    deviationMs: deviationMsOf(counters),
    share: ratio(counters.totalExecUs, context.allExecUs) ?? 0,
    hitRatio: ratio(counters.sharedHit, counters.sharedHit + counters.sharedRead),
    sharedRead: counters.sharedRead,
    tempWritten: counters.tempWritten,
    walBytes: counters.walBytes,
    slow: meanMs !== null && meanMs >= context.slowMs,
    fingerprint: statement.fingerprint,
    application: application === undefined ? null : presentFigures(application),
    spark: sparkOf(context.sparks.get(statement.id)),
  };
}

/** Whether what applications report may be of this statement. */
export function isReportable(
  { key, own }: Pick<StatementTotals, 'key' | 'own'>,
  { ownDatabase }: Pick<SummaryContext, 'ownDatabase'>,
): boolean {
  return !own && key.database === (ownDatabase ?? key.database);
}

/** Mean execution time in ms; `null` without calls. */
export function meanMsOf(counters: Pick<StatementCounters, 'calls' | 'totalExecUs'>): number | null {
  return ratio(counters.totalExecUs / 1000, counters.calls);
}

/**
 * Standard deviation in ms of the population of calls: the root of mean square minus squared mean. Rounding can make
 * that difference slightly negative, which means none.
 */
export function deviationMsOf(
  counters: Pick<StatementCounters, 'calls' | 'totalExecUs' | 'sumSquaresMs2'>,
): number | null {
  const mean = meanMsOf(counters);
  if (mean === null) return null;
  return Math.sqrt(Math.max(0, counters.sumSquaresMs2 / counters.calls - mean * mean));
}

/** Execution time in ms per second; `null` where nothing is known. */
function sparkOf(series: StatementSeriesAnswer | undefined): StatementSummary['spark'] {
  return (series?.points ?? []).map((point) => [
    point.at,
    ratio(point.counters.totalExecUs / 1000, point.coveredSeconds),
  ]);
}

/** Sum of counters; zeros for none. */
export function sumCounters(all: Iterable<StatementCounters>): StatementCounters {
  const sum = { ...zeroStatement };
  const names = Object.keys(zeroStatement) as (keyof StatementCounters)[];
  for (const counters of all) for (const name of names) sum[name] += counters[name];
  return sum;
}
