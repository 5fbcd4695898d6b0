import { withoutGaps } from '../../../sql/index.ts';
import type { History, TimeRange } from '../../store/index.ts';
import { candidates, type Counted, gather, usualMost } from './gather.ts';
import { withObservedValues } from './observed-values.ts';
import type { Workload } from './types.ts';

export interface HistoryWorkloadOptions extends TimeRange {
  /** The target's number in the store. */
  targetId: number;
  /** The watched database: others of the same server are left out. */
  database: string;
  /** Most statements, those that took most time. Default: 500. */
  most?: number;
  /** History that covers less of the range says nothing: no statements. Default: 0. */
  leastSeconds?: number;
}

/**
 * What the history of the server's statistics says was asked in a range of time, with the values that applications told; Pitcrew's own
 * statements apart.
 */
export async function workloadFromHistory(
  history: Pick<History, 'statements' | 'parameterSamples'>,
  { targetId, from, to, database, most = usualMost, leastSeconds = 0 }: HistoryWorkloadOptions,
): Promise<Workload> {
  const { statements, totals, coveredSeconds } = await history.statements({
    targetId,
    from,
    to,
    database,
    own: 'exclude',
    orderBy: 'totalExecUs',
    limit: candidates(most),
  });
  const hours = coveredSeconds / 3600;
  const counted = statements
    .filter(({ counters }) => counters.calls > 0 && hours > 0 && coveredSeconds >= leastSeconds)
    .map(({ id, text, counters: { calls, totalExecUs } }): Counted => {
      return { id: String(id), text, callsPerHour: calls / hours, meanMs: totalExecUs / calls / 1000 };
    });
  const workload = await gather('history', counted, {
    most,
    all: hours > 0 ? totals.totalExecUs / 1000 / hours : 0,
  });
  return withObservedValues(workload, history, { targetId });
}

/**
 * What applications themselves told of what they asked in a range, with values where they tell of them: their texts have placeholders.
 * Calls per hour are those of the range: an application that was not there for a part of it counts as one that asked nothing then.
 */
export async function workloadFromTelemetry(
  history: Pick<History, 'applicationStatements' | 'parameterSamples'>,
  { targetId, from, to, application, most = usualMost }: TelemetryWorkloadOptions,
): Promise<Workload> {
  const { statements } = await history.applicationStatements({
    targetId,
    from,
    to,
    ...(application === undefined ? {} : { application }),
    orderBy: 'totalUs',
    limit: candidates(most),
  });
  const hours = (to.getTime() - from.getTime()) / 3_600_000;
  const counted = statements
    .filter(({ calls }) => calls > 0 && hours > 0)
    .map(({ fingerprint, text, calls, totalUs }): Counted => {
      return {
        id: fingerprint,
        text: text && withoutGaps(text),
        callsPerHour: calls / hours,
        meanMs: totalUs / calls / 1000,
      };
    });
  return withObservedValues(await gather('telemetry', counted, { most }), history, { targetId, application });
}

export interface TelemetryWorkloadOptions extends TimeRange {
  targetId: number;
  /** One application; all by default. */
  application?: string;
  /** Most statements, those that took most time. Default: 500. */
  most?: number;
}
