import { countBits, countMask } from '../applications/histogram-elements.ts';
import { wholeFingerprint } from '../applications/limits.ts';
import { isLive, type PoolState, sumPools } from '../applications/pools.ts';
import type {
  ApplicationFigures,
  ApplicationNow,
  ApplicationSeriesAnswer,
  ApplicationSeriesQuery,
  ApplicationTotals,
  LatencyCounts,
} from '../applications/types.ts';
import { applicationFields, columnName } from '../families.ts';
import { storable } from '../storable.ts';
import type { TimeRange } from '../types.ts';
import { bucketNumber, courseOf, Parameters, planReading, segmentRows, stepForTotals } from './range.ts';
import type { Reader } from './reader.ts';

const columns = [...applicationFields.map(columnName), 'max_us'];

/** Sums of the rows of `source`, as a select list; the histogram apart. */
export function sumsOf(source: string): string {
  return [
    ...applicationFields.map(columnName).map((name) => `coalesce(sum(${source}.${name}), 0) AS ${name}`),
    `coalesce(max(${source}.max_us), 0) AS max_us`,
  ].join(', ');
}

export type Row = Record<string, unknown>;

/** Figures of a row, without its histogram. */
export function figuresOf(row: Row, latency: LatencyCounts = []): ApplicationFigures {
  const value = (name: string): number => {
    const found = row[name];
    return typeof found === 'number' ? found : 0;
  };
  return {
    calls: value('calls'),
    errors: value('errors'),
    rows: value('rows'),
    totalUs: value('total_us'),
    waitUs: value('wait_us'),
    maxUs: value('max_us'),
    latency,
  };
}

/** Histograms of rows added up by `key`, in SQL; `source` gives the rows with their histogram as `histogram`. */
export async function readLatencies(
  reader: Reader,
  key: string,
  source: string,
  values: readonly unknown[],
): Promise<Map<string, LatencyCounts>> {
  const rows = await reader.rows<{ key: string; buckets: number[]; counts: number[] }>(
    `
     SELECT   key, array_agg(bucket ORDER BY bucket) AS buckets, array_agg(total ORDER BY bucket) AS counts
     FROM     (
       SELECT   (${key})::text AS key,
                element >> ${countBits} AS bucket,
                sum(element & ${countMask})::double precision AS total
       FROM     ${source},
                unnest(histogram) AS element
       GROUP BY 1, 2
     ) AS counts
     GROUP BY key`,
    values,
  );
  return new Map(
    rows.map(({ key: name, buckets, counts }) => [name, buckets.map((bucket, index) => [bucket, counts[index] ?? 0])]),
  );
}

/** Applications seen in the range, the busiest first. */
export async function readApplications(
  reader: Reader,
  query: TimeRange & { targetId: number },
): Promise<ApplicationTotals[]> {
  const reading = planReading(await reader.progress(), ['application'], query, stepForTotals(query));
  const parameters = new Parameters();
  const target = parameters.add(query.targetId);
  const condition = `target_id = ${target} AND application_statement_id IN (
    SELECT id FROM pitcrew.application_statement WHERE target_id = ${target} AND fingerprint = '${wholeFingerprint}')`;
  const segments = segmentRows('application', reading.segments('application'), parameters, condition);
  const source = `(${segments}) AS rows JOIN pitcrew.application_statement AS statement ON statement.id = rows.id`;
  const latencies = await readLatencies(reader, 'application_id', source, parameters.values);
  const rows = await reader.rows<Row & { id: number; name: string; first_seen: Date; last_seen: Date }>(
    `
     WITH totals AS (
       SELECT   application_id AS id, ${sumsOf('rows')}
       FROM     ${source}
       GROUP BY 1
     )
     SELECT   id, name, first_seen, last_seen, ${columns.map((name) => `totals.${name}`).join(', ')}
     FROM     pitcrew.application
     LEFT     JOIN totals USING (id)
     WHERE    target_id = ${target}
     AND      last_seen >= ${parameters.add(new Date(reading.from))}
     AND      first_seen <= ${parameters.add(new Date(reading.to))}
     ORDER BY totals.total_us DESC NULLS LAST, name`,
    parameters.values,
  );
  return rows.map((row) => ({
    name: row.name,
    firstSeen: row.first_seen,
    lastSeen: row.last_seen,
    ...figuresOf(row, latencies.get(String(row.id))),
  }));
}

export function pairsOf(counts: readonly number[]): LatencyCounts {
  return counts.flatMap((count, bucket) => (count > 0 ? [[bucket, count] as const] : []));
}

/** How long an application that reports no more is listed among those of now. */
export const listedMs = 24 * 3_600_000;

export async function readApplicationsNow(
  reader: Reader,
  { targetId, now }: { targetId: number; now: Date },
): Promise<ApplicationNow[]> {
  const rows = await reader.rows<
    Row & { id: number; name: string; last_seen: Date; latency: number[]; states: PoolState[] | null }
  >(
    `
     SELECT   id, name, last_seen, calls, errors, rows, total_us, wait_us,
              latency, states
     FROM     pitcrew.application
     LEFT     JOIN LATERAL (
                SELECT jsonb_agg(jsonb_build_object(
                         'seenAt', date_part('epoch', seen_at) * 1000, 'seconds', seconds, 'pool', pool
                       )) AS states
                FROM   pitcrew.application_instance
                WHERE  application_id = application.id AND seen_at > $3
              ) AS instances ON true
     WHERE    target_id = $1 AND last_seen > $2
     ORDER BY name`,
    [targetId, new Date(now.getTime() - listedMs), new Date(now.getTime() - 30 * 60_000)],
  );
  return rows.map((row) => {
    const live = (row.states ?? []).filter((state) => isLive(state, now.getTime()));
    const { maxUs: _, ...total } = figuresOf(row, pairsOf(row.latency));
    return { name: row.name, lastSeen: row.last_seen, instances: live.length, pools: sumPools(live), total };
  });
}

/** Figures of statements by fingerprint, of all applications together or of one. */
export async function readApplicationFigures(
  reader: Reader,
  query: TimeRange & { targetId: number; fingerprints: readonly string[]; application?: string },
): Promise<Map<string, ApplicationFigures>> {
  if (query.fingerprints.length === 0) return new Map();
  const reading = planReading(await reader.progress(), ['application'], query, stepForTotals(query));
  const parameters = new Parameters();
  const target = parameters.add(query.targetId);
  const ofApplication =
    query.application === undefined ? '' : ` AND ${applicationIs(target, parameters.add(storable(query.application)))}`;
  const wanted = `
    (SELECT id, fingerprint FROM pitcrew.application_statement
     WHERE target_id = ${target} AND fingerprint = ANY (${parameters.add(query.fingerprints)}::text[])${ofApplication})`;
  const condition = `target_id = ${target} AND application_statement_id IN (SELECT id FROM ${wanted} AS wanted)`;
  const segments = segmentRows('application', reading.segments('application'), parameters, condition);
  const source = `(${segments}) AS rows JOIN ${wanted} AS statement USING (id)`;
  const latencies = await readLatencies(reader, 'fingerprint', source, parameters.values);
  const rows = await reader.rows<Row & { fingerprint: string }>(
    `
     SELECT   fingerprint, ${sumsOf('rows')}
     FROM     ${source}
     GROUP BY 1`,
    parameters.values,
  );
  return new Map(rows.map((row) => [row.fingerprint, figuresOf(row, latencies.get(row.fingerprint))]));
}

function applicationIs(target: string, name: string): string {
  return `application_id = (SELECT id FROM pitcrew.application WHERE target_id = ${target} AND name = ${name})`;
}

/** The course of a statement, or of all that one application asked: buckets in which something was called. */
export async function readApplicationSeries(
  reader: Reader,
  query: ApplicationSeriesQuery,
): Promise<ApplicationSeriesAnswer> {
  const reading = planReading(await reader.progress(), ['application'], query, query.step);
  const parameters = new Parameters();
  const target = parameters.add(query.targetId);
  const wanted =
    'fingerprint' in query
      ? `fingerprint = ${parameters.add(query.fingerprint)}`
      : `fingerprint = '${wholeFingerprint}' AND ${applicationIs(target, parameters.add(storable(query.application)))}`;
  const condition = `target_id = ${target} AND application_statement_id IN (
    SELECT id FROM pitcrew.application_statement WHERE target_id = ${target} AND ${wanted})`;
  const segments = segmentRows('application', reading.segments('application'), parameters, condition);
  const bucket = bucketNumber(reading, parameters);
  const latencies = await readLatencies(reader, bucket, `(${segments}) AS rows`, parameters.values);
  const rows = await reader.rows<Row & { bucket: number }>(
    `
     SELECT   ${bucket} AS bucket, ${sumsOf('rows')}
     FROM     (${segments}) AS rows
     GROUP BY 1
     ORDER BY 1`,
    parameters.values,
  );
  return courseOf(reading, rows, (row) => figuresOf(row, latencies.get(String(row.bucket))));
}
