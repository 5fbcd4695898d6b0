import { bucketCount, quantileMs } from '../../client/telemetry/histogram.ts';
import type {
  ApplicationFigures as StoredFigures,
  ApplicationNow,
  ApplicationSeriesAnswer,
  ApplicationStatement as StoredStatement,
  ApplicationTotals,
  Caller,
  RepeatedCall,
  Series,
} from '../../ops/store/index.ts';
import type {
  ApplicationDetail,
  ApplicationFigures,
  Applications,
  ApplicationStatement,
  ApplicationStatementDetail,
  RepeatedCalls,
} from '../api/applications.ts';
import { along } from './metrics.ts';
import { ratio } from './values.ts';

/** Figures as answers carry them: times in ms, percentiles within the 5 % of the histogram. */
export function presentFigures(figures: StoredFigures): ApplicationFigures {
  const { calls, errors, rows, totalUs, waitUs, maxUs, latency } = figures;
  return {
    calls,
    errors,
    rows,
    totalMs: totalUs / 1000,
    meanMs: ratio(totalUs / 1000, calls),
    ...quantilesOf(latency, maxUs),
    maxMs: maxUs / 1000,
    waitMs: ratio(waitUs / 1000, calls),
  };
}

/** Figures of several pieces of time as one. */
export function mergeFigures(pieces: readonly StoredFigures[]): StoredFigures {
  const sum = { calls: 0, errors: 0, rows: 0, totalUs: 0, waitUs: 0, maxUs: 0 };
  const latency = new Map<number, number>();
  for (const piece of pieces) {
    for (const name of ['calls', 'errors', 'rows', 'totalUs', 'waitUs'] as const) sum[name] += piece[name];
    sum.maxUs = Math.max(sum.maxUs, piece.maxUs);
    for (const [bucket, count] of piece.latency) latency.set(bucket, (latency.get(bucket) ?? 0) + count);
  }
  return { ...sum, latency: [...latency].toSorted(([a], [b]) => a - b) };
}

/** Percentiles in ms, `null` when nothing was measured; the middle of a bucket may lie beyond the slowest of all. */
export function quantilesOf(latency: StoredFigures['latency'], maxUs: number) {
  const counts = new Float64Array(bucketCount);
  for (const [bucket, count] of latency) counts[Math.min(bucket, bucketCount - 1)] = count;
  const quantile = (share: number): number | null =>
    quantileMs(counts, share, maxUs > 0 ? maxUs / 1000 : Infinity) ?? null;
  return { p50Ms: quantile(0.5), p95Ms: quantile(0.95), p99Ms: quantile(0.99) };
}

type Course = Omit<ApplicationStatementDetail['series'], 'at'>;

/**
 * A course along a time axis; `null` where nothing was called. Older history is coarser: its points stand for all that lie
 * in them.
 */
export function presentCourse({ points, step }: ApplicationSeriesAnswer, at: readonly number[]): Course {
  const values = columnsOf(
    points.map((point) => ({ at: point.at, ...presentFigures(point) })),
    step,
    at,
  );
  return {
    callsPerSecond: values(({ calls }) => calls / step),
    errorsPerSecond: values(({ errors }) => errors / step),
    meanMs: values(({ meanMs }) => meanMs),
    p50Ms: values(({ p50Ms }) => p50Ms),
    p95Ms: values(({ p95Ms }) => p95Ms),
    p99Ms: values(({ p99Ms }) => p99Ms),
    waitMs: values(({ waitMs }) => waitMs),
  };
}

/** Makes columns along a time axis of points that are `step` seconds wide; `null` where there is no point. */
export function columnsOf<Point extends { at: number }>(points: readonly Point[], step: number, at: readonly number[]) {
  const known = new Map(points.map((point) => [point.at, point]));
  const origin = points[0]?.at ?? 0;
  const found = at.map((time) => known.get(origin + Math.floor((time - origin) / (step * 1000)) * step * 1000));
  return (value: (point: Point) => number | null): (number | null)[] =>
    found.map((point) => (point === undefined ? null : value(point)));
}

/** Starts of the points of a range. */
export function timesOf({ from, to, step }: Pick<ApplicationSeriesAnswer, 'from' | 'to' | 'step'>): number[] {
  const length = Math.round((to.getTime() - from.getTime()) / (step * 1000));
  return Array.from({ length }, (_, index) => from.getTime() + index * step * 1000);
}

type Callers = Pick<ApplicationStatementDetail, 'callSites' | 'scopes' | 'repeated'>;

/** Callers of a statement that was called so often, the busiest first. */
export function presentCallers(
  callers: readonly Caller[],
  calls: number,
  statement: { fingerprint: string; text: string | null; id: number | null },
): Callers {
  const sites = callers.filter(({ kind }) => kind === 'site');
  const seen = sites.reduce((sum, site) => sum + site.calls, 0);
  return {
    callSites: sites.map(({ application, site, calls: own }) => {
      const share = ratio(own, seen) ?? 0;
      return { application, site, calls: Math.round(share * calls), share };
    }),
    scopes: callers
      .filter(({ kind }) => kind === 'scope')
      .map(({ application, scope, calls: own, requests, most }) => ({
        application,
        name: scope,
        calls: own,
        requests,
        perRequest: ratio(own, requests),
        most,
      })),
    repeated: callers
      .filter(({ kind }) => kind === 'repeated')
      .toSorted((a, b) => b.most - a.most)
      .map(({ application, scope, site, requests, most }) =>
        presentRepeated({
          application,
          scope,
          site,
          requests,
          most,
          fingerprint: statement.fingerprint,
          text: statement.text,
          statements: statement.id === null ? [] : [statement.id],
        }),
      ),
  };
}

/** A line that repeats a statement within a request, with a sentence that says so. */
export function presentRepeated({ statements, ...call }: RepeatedCall): RepeatedCalls['repeated'][number] {
  const { scope, site, most } = call;
  return {
    ...call,
    statement: statements[0] ?? null,
    message: `${scope} calls this up to ${most} times per request from ${site}`,
  };
}

export function presentStatement(statement: StoredStatement): ApplicationStatement {
  const { fingerprint, kind, text, applications, statements } = statement;
  return { fingerprint, kind, text, applications, statements, ...presentFigures(statement) };
}

type Application = Applications['applications'][number];

export function presentApplication(
  totals: ApplicationTotals,
  now: ApplicationNow | undefined,
  seconds: number,
): Application {
  return {
    ...presentFigures(totals),
    name: totals.name,
    firstSeen: totals.firstSeen.toISOString(),
    lastSeen: totals.lastSeen.toISOString(),
    callsPerSecond: ratio(totals.calls, seconds),
    instances: now?.instances ?? 0,
    pools: now?.pools ?? [],
  };
}

const poolFigures = ['open', 'idle', 'waiting', 'lanes', 'max'] as const;

/** Courses of an application's pools, by endpoint; those that were there last come first. */
export function presentPools(series: readonly Series[], at: readonly number[]): ApplicationDetail['pools'] {
  const byEndpoint = Map.groupBy(series, ({ labels }) => JSON.stringify([labels.role ?? '', labels.endpoint ?? '']));
  const pools = [...byEndpoint.values()].map((own) => {
    const valuesOf = (figure: string): (number | null)[] => {
      const found = own.find(({ name }) => name === `application.pool_${figure}`);
      return found === undefined ? at.map(() => null) : along(found, at, 'value');
    };
    const { role = '', endpoint = '' } = own[0]?.labels ?? {};
    const [open, idle, waiting, lanes, max] = poolFigures.map(valuesOf);
    return {
      endpoint,
      role,
      open: open ?? [],
      idle: idle ?? [],
      waiting: waiting ?? [],
      lanes: lanes ?? [],
      max: max ?? [],
    };
  });
  const lastSeen = ({ open }: { open: readonly unknown[] }): number => open.findLastIndex((value) => value !== null);
  return pools.toSorted((a, b) => lastSeen(b) - lastSeen(a));
}
