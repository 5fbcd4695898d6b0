import type { Activity, ActivityFigures, ActivitySeriesAnswer } from '../../ops/store/index.ts';
import type { ApplicationDetail } from '../api/applications.ts';
import { columnsOf, quantilesOf } from './applications.ts';
import { ratio } from './values.ts';

type Activities = Pick<ApplicationDetail, 'scopes' | 'timers' | 'acquires'>;

/** What an application did beside its statements, over a range of so many seconds. */
export function presentActivities(
  activities: readonly Activity[],
  seconds: number,
  waits: ActivitySeriesAnswer,
  at: readonly number[],
): Activities {
  const pool = activities.find(({ kind }) => kind === 'pool');
  return {
    acquires: pool ? { ...presentAcquires(pool), series: acquireCourse(waits, at) } : null,
    scopes: activities
      .filter(({ kind, name }) => kind === 'scope' && name !== '')
      .map((scope) => ({ name: scope.name, ...presentScope(scope, seconds) })),
    timers: activities
      .filter(({ kind }) => kind === 'timer')
      .map((timer) => ({
        name: timer.name,
        ...presentDurations(timer),
        perSecond: ratio(timer.count, seconds),
      })),
  };
}

function presentDurations({ count, totalUs, maxUs, latency }: ActivityFigures) {
  const totalMs = totalUs / 1000;
  return { count, totalMs, meanMs: ratio(totalMs, count), ...quantilesOf(latency, maxUs), maxMs: maxUs / 1000 };
}

function presentScope(scope: ActivityFigures, seconds: number) {
  const { count, totalUs, statements, mostStatements, statementUs, heapGrowths, heapGrowth, mostHeapGrowth } = scope;
  const share = ratio(statementUs, totalUs);
  return {
    ...presentDurations(scope),
    perSecond: ratio(count, seconds),
    statements,
    statementsPerScope: ratio(statements, count),
    mostStatements,
    databaseMs: statementUs / 1000,
    databaseShare: share === null ? null : Math.min(share, 1),
    meanHeapGrowthBytes: ratio(heapGrowth, heapGrowths),
    mostHeapGrowthBytes: heapGrowths > 0 ? mostHeapGrowth : null,
  };
}

function presentAcquires(pool: ActivityFigures) {
  const { count, timeouts, errors, opened, openErrors, closed } = pool;
  return {
    ...presentDurations(pool),
    acquired: count - timeouts - errors,
    timeouts,
    errors,
    opened,
    openErrors,
    closed,
  };
}

function acquireCourse({ points, step }: ActivitySeriesAnswer, at: readonly number[]) {
  const values = columnsOf(
    points.map((point) => ({ at: point.at, ...presentAcquires(point) })),
    step,
    at,
  );
  return {
    acquiredPerSecond: values(({ acquired }) => acquired / step),
    timeoutsPerSecond: values(({ timeouts }) => timeouts / step),
    errorsPerSecond: values(({ errors }) => errors / step),
    openedPerSecond: values(({ opened }) => opened / step),
    closedPerSecond: values(({ closed }) => closed / step),
    p50Ms: values(({ p50Ms }) => p50Ms),
    p95Ms: values(({ p95Ms }) => p95Ms),
    p99Ms: values(({ p99Ms }) => p99Ms),
  };
}
