import type { ApplicationSeriesAnswer, Caller, StatementSeriesAnswer, StatementTotals } from '../../ops/store/index.ts';
import type { QueryDetail } from '../api/queries.ts';
import { mergeFigures, presentCallers, presentCourse } from './applications.ts';
import { meanMsOf, sumCounters, summarise, type SummaryContext } from './statements.ts';
import { isoRange, ratio } from './values.ts';

/** What applications told of a statement. */
export interface Reported {
  applications: string[];
  series: ApplicationSeriesAnswer;
  callers: Caller[];
}

/** One statement with its totals over the range and its course. */
export function queryDetail(
  database: string,
  statement: Omit<StatementTotals, 'counters'>,
  series: StatementSeriesAnswer,
  reported: Reported | undefined,
  context: Omit<SummaryContext, 'coveredSeconds' | 'sparks' | 'applications'> & { blockSize: number },
): Omit<QueryDetail, 'plans' | 'planChanges' | 'slowerSince' | 'appliedAdvice'> {
  const counters = sumCounters(series.points.map((point) => point.counters));
  const coveredSeconds = series.points.reduce((sum, point) => sum + point.coveredSeconds, 0);
  const sparks = new Map([[statement.id, series]]);
  const figures = reported && mergeFigures(reported.series.points);
  const applications = new Map(figures && figures.calls > 0 ? [[statement.fingerprint ?? '', figures]] : []);
  return {
    database,
    ...isoRange(series),
    step: series.step,
    firstSeen: statement.firstSeen.toISOString(),
    lastSeen: statement.lastSeen.toISOString(),
    statement: summarise({ ...statement, counters }, { ...context, coveredSeconds, sparks, applications }),
    totals: {
      planMs: counters.totalPlanUs / 1000,
      plans: counters.plans,
      sharedHit: counters.sharedHit,
      sharedRead: counters.sharedRead,
      sharedDirtied: counters.sharedDirtied,
      sharedWritten: counters.sharedWritten,
      localRead: counters.localRead,
      localWritten: counters.localWritten,
      tempRead: counters.tempRead,
      tempWritten: counters.tempWritten,
      blockReadMs: counters.blockReadUs / 1000,
      blockWriteMs: counters.blockWriteUs / 1000,
      walRecords: counters.walRecords,
      walFullPageImages: counters.walFpi,
      walBytes: counters.walBytes,
      jitMs: counters.jitUs / 1000,
    },
    applications: reported?.applications ?? [],
    ...presentCallers(reported?.callers ?? [], figures?.calls ?? 0, {
      fingerprint: statement.fingerprint ?? '',
      text: statement.text,
      id: statement.id,
    }),
    series: { ...columns(series, context.blockSize), ...applicationColumns(series, reported) },
  };
}

function applicationColumns(
  { points }: StatementSeriesAnswer,
  reported: Reported | undefined,
): Pick<QueryDetail['series'], 'applicationMs' | 'p50Ms' | 'p95Ms' | 'p99Ms' | 'waitMs'> {
  if (!reported || reported.series.points.length === 0) {
    return { applicationMs: null, p50Ms: null, p95Ms: null, p99Ms: null, waitMs: null };
  }
  const at = points.map((point) => point.at);
  const { meanMs, p50Ms, p95Ms, p99Ms, waitMs } = presentCourse(reported.series, at);
  return { applicationMs: meanMs, p50Ms, p95Ms, p99Ms, waitMs };
}

function columns({ points }: StatementSeriesAnswer, blockSize: number) {
  return {
    at: points.map((point) => point.at),
    callsPerSecond: points.map((point) => ratio(point.counters.calls, point.coveredSeconds)),
    meanMs: points.map((point) => meanMsOf(point.counters)),
    rowsPerCall: points.map((point) => ratio(point.counters.rows, point.counters.calls)),
    sharedHitPerSecond: points.map((point) => ratio(point.counters.sharedHit, point.coveredSeconds)),
    sharedReadPerSecond: points.map((point) => ratio(point.counters.sharedRead, point.coveredSeconds)),
    tempBytesPerSecond: points.map((point) =>
      ratio((point.counters.tempRead + point.counters.tempWritten) * blockSize, point.coveredSeconds),
    ),
    walBytesPerSecond: points.map((point) => ratio(point.counters.walBytes, point.coveredSeconds)),
  };
}
