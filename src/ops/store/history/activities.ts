import { wholeName } from '../applications/limits.ts';
import type {
  Activity,
  ActivityFigures,
  ActivitySeriesAnswer,
  ActivityTotal,
  LatencyCounts,
} from '../applications/types.ts';
import { activityFields, activityMaxima, columnName, zeroActivity } from '../families.ts';
import { storable } from '../storable.ts';
import type { TimeRange } from '../types.ts';
import { listedMs, pairsOf, readLatencies, type Row } from './applications.ts';
import { bucketNumber, courseOf, Parameters, planReading, segmentRows, stepForTotals } from './range.ts';
import type { Reader } from './reader.ts';

const sums = [
  ...activityFields.map(columnName).map((name) => `coalesce(sum(rows.${name}), 0) AS ${name}`),
  ...activityMaxima.map(columnName).map((name) => `coalesce(max(rows.${name}), 0) AS ${name}`),
].join(', ');

/** More than there are names: those that were not seen lately make room for others. */
const mostActivities = 1000;

function figuresOf(row: Row, latency: LatencyCounts = []): ActivityFigures {
  const figures: ActivityFigures = { ...zeroActivity, maxUs: 0, mostStatements: 0, mostHeapGrowth: 0, latency };
  for (const field of [...activityFields, ...activityMaxima]) {
    const value = row[columnName(field)];
    if (typeof value === 'number') figures[field] = value;
  }
  return figures;
}

/** What one application did in a range beside its statements. */
export async function readActivities(
  reader: Reader,
  query: TimeRange & { targetId: number; application: string },
): Promise<Activity[]> {
  const reading = planReading(await reader.progress(), ['activity'], query, stepForTotals(query));
  const parameters = new Parameters();
  const condition = conditionOf(parameters, query);
  const segments = segmentRows('activity', reading.segments('activity'), parameters, condition);
  const latencies = await readLatencies(reader, 'id', `(${segments}) AS rows`, parameters.values);
  const rows = await reader.rows<Row & { id: number; kind: Activity['kind']; name: string }>(
    `
     WITH totals AS (
       SELECT   id, ${sums}
       FROM     (${segments}) AS rows
       GROUP BY 1
     )
     SELECT   kind, name, totals.*
     FROM     totals
     JOIN     (SELECT id, kind, name FROM pitcrew.activity) AS activity USING (id)
     ORDER BY total_us DESC, kind, name
     LIMIT    ${mostActivities}`,
    parameters.values,
  );
  return rows.map((row) => ({ kind: row.kind, name: row.name, ...figuresOf(row, latencies.get(String(row.id))) }));
}

/** The course of an application's requests together, or of its waits for connections. */
export async function readActivitySeries(
  reader: Reader,
  query: TimeRange & { targetId: number; application: string; kind: 'scope' | 'pool'; step: number },
): Promise<ActivitySeriesAnswer> {
  const reading = planReading(await reader.progress(), ['activity'], query, query.step);
  const parameters = new Parameters();
  const condition = conditionOf(parameters, query, `kind = ${parameters.add(query.kind)} AND name = '${wholeName}'`);
  const segments = segmentRows('activity', reading.segments('activity'), parameters, condition);
  const bucket = bucketNumber(reading, parameters);
  const latencies = await readLatencies(reader, bucket, `(${segments}) AS rows`, parameters.values);
  const rows = await reader.rows<Row & { bucket: number }>(
    `
     SELECT   ${bucket} AS bucket, ${sums}
     FROM     (${segments}) AS rows
     GROUP BY 1
     ORDER BY 1`,
    parameters.values,
  );
  return courseOf(reading, rows, (row) => figuresOf(row, latencies.get(String(row.bucket))));
}

function conditionOf(
  parameters: Parameters,
  { targetId, application }: { targetId: number; application: string },
  more = 'true',
): string {
  const target = parameters.add(targetId);
  return `target_id = ${target} AND activity_id IN (
    SELECT id FROM pitcrew.activity
    WHERE  application_id = (
             SELECT id FROM pitcrew.application
             WHERE  target_id = ${target} AND name = ${parameters.add(storable(application))}
           )
    AND    ${more})`;
}

/** Timers of an application whose totals are told: those that were seen first, so that they stay the same. */
const mostTimers = 20;

export async function readActivityTotals(
  reader: Reader,
  { targetId, now }: { targetId: number; now: Date },
): Promise<ActivityTotal[]> {
  const rows = await reader.rows<
    Row & { application: string; kind: ActivityTotal['kind']; name: string; counts: number[] }
  >(
    `
     SELECT   application, kind, name, latency AS counts, ${activityFields.map(columnName).join(', ')}
     FROM     (
       SELECT activity.*,
              application.name AS application,
              row_number() OVER (PARTITION BY application_id, kind ORDER BY activity.id) AS place
       FROM   pitcrew.activity
       JOIN   pitcrew.application ON application.id = application_id
       WHERE  target_id = $1 AND application.last_seen > $2
       AND    (kind = 'timer' OR activity.name = '${wholeName}')
     ) AS totals
     WHERE    (kind <> 'timer' OR place <= ${mostTimers})
     ORDER BY application, kind, name`,
    [targetId, new Date(now.getTime() - listedMs)],
  );
  return rows.map((row) => {
    const { maxUs: _, mostStatements: _most, mostHeapGrowth: _heap, ...total } = figuresOf(row, pairsOf(row.counts));
    return { application: row.application, kind: row.kind, name: row.name, ...total };
  });
}
