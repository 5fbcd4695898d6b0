import type { StatementSeriesAnswer, StatementTotals } from '../../ops/store/index.ts';
import type { QueryDetail } from '../api/queries.ts';
import { isoRange, meanMsOf, ratio, sumCounters, summarise, type SummaryContext } from './statements.ts';

/** One statement with its totals over the range and its course. */
export function queryDetail(
  database: string,
  statement: Omit<StatementTotals, 'counters'>,
  series: StatementSeriesAnswer,
  context: Omit<SummaryContext, 'coveredSeconds' | 'sparks'> & { blockSize: number },
): QueryDetail {
  const counters = sumCounters(series.points.map((point) => point.counters));
  const coveredSeconds = series.points.reduce((sum, point) => sum + point.coveredSeconds, 0);
  const sparks = new Map([[statement.id, series]]);
  return {
    database,
    ...isoRange(series),
    step: series.step,
    firstSeen: statement.firstSeen.toISOString(),
    lastSeen: statement.lastSeen.toISOString(),
    statement: summarise({ ...statement, counters }, { ...context, coveredSeconds, sparks }),
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
    series: columns(series, context.blockSize),
  };
}

function columns({ points }: StatementSeriesAnswer, blockSize: number): QueryDetail['series'] {
  return {
    at: points.map((point) => point.at),
    callsPerSecond: points.map((point) => ratio(point.counters.calls, point.coveredSeconds)),
    meanMs: points.map((point) => meanMsOf(point.counters)),
    p95Ms: null,
    rowsPerCall: points.map((point) => ratio(point.counters.rows, point.counters.calls)),
    sharedHitPerSecond: points.map((point) => ratio(point.counters.sharedHit, point.coveredSeconds)),
    sharedReadPerSecond: points.map((point) => ratio(point.counters.sharedRead, point.coveredSeconds)),
    tempBytesPerSecond: points.map((point) =>
      ratio((point.counters.tempRead + point.counters.tempWritten) * blockSize, point.coveredSeconds),
    ),
    walBytesPerSecond: points.map((point) => ratio(point.counters.walBytes, point.coveredSeconds)),
  };
}
