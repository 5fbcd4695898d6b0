import { storable } from '../storable.ts';
import type { Series, SeriesAnswer, SeriesPoint, SeriesQuery } from '../types.ts';
import { bucketNumber, bucketStarts, Parameters, planReading, type Reading, segmentRows } from './range.ts';
import type { Reader } from './reader.ts';

interface SeriesRow {
  id: number;
  name: string;
  labels: Record<string, string>;
  kind: Series['kind'];
}

/** Series by name, with a point for every bucket; those of which nothing was seen in the range are left out. */
export async function readSeries(reader: Reader, query: SeriesQuery): Promise<SeriesAnswer> {
  const reading = planReading(await reader.progress(), ['metric'], query, query.step);
  const found = await findSeries(reader, query);
  const points = await readPoints(reader, query.targetId, reading, found);
  const starts = bucketStarts(reading);
  const series = found.flatMap(({ id, ...one }) => {
    const known = points.get(id);
    if (!known) return [];
    return [{ ...one, points: starts.map((at, bucket) => known.get(bucket) ?? unknownPoint(at)) }];
  });
  return { from: new Date(reading.from), to: new Date(reading.to), step: reading.step, series };
}

function unknownPoint(at: number): SeriesPoint {
  return { at, value: null, min: null, max: null, sum: null };
}

async function findSeries(reader: Reader, { targetId, names, labels = {} }: SeriesQuery): Promise<SeriesRow[]> {
  const asked = names.map(storable);
  const prefixes = asked.filter((name) => name.endsWith('.*')).map((name) => name.slice(0, -1));
  const wanted = Object.entries(labels).map(([label, value]) => [storable(label), storable(value)]);
  return reader.rows<SeriesRow>(
    `
     SELECT   id, name, labels, kind
     FROM     pitcrew.series
     WHERE    target_id = $1
     AND      (name = ANY ($2::text[]) OR EXISTS (
                SELECT FROM unnest($3::text[]) AS prefix WHERE starts_with(name, prefix)
              ))
     AND      labels @> $4::jsonb
     ORDER BY name, labels, kind`,
    [targetId, asked.filter((name) => !name.endsWith('.*')), prefixes, JSON.stringify(Object.fromEntries(wanted))],
  );
}

interface PointRow {
  id: number;
  bucket: number;
  n: number;
  seconds: number | null;
  total: number;
  lowest: number | null;
  highest: number | null;
}

async function readPoints(
  reader: Reader,
  targetId: number,
  reading: Reading,
  series: readonly SeriesRow[],
): Promise<Map<number, Map<number, SeriesPoint>>> {
  const points = new Map<number, Map<number, SeriesPoint>>();
  if (series.length === 0) return points;
  const parameters = new Parameters();
  const condition = `target_id = ${parameters.add(targetId)} AND series_id = ANY (${parameters.add(series.map(({ id }) => id))}::integer[])`;
  const segments = segmentRows('metric', reading.segments('metric'), parameters, condition);
  const rows = await reader.rows<PointRow>(
    `
     SELECT   id,
              ${bucketNumber(reading, parameters)} AS bucket,
              sum(n)       AS n,
              sum(seconds) AS seconds,
              sum(total)   AS total,
              min(lowest)  AS lowest,
              max(highest) AS highest
     FROM     (${segments}) AS rows
     GROUP BY 1, 2`,
    parameters.values,
  );
  const counters = new Set(series.filter(({ kind }) => kind === 'counter').map(({ id }) => id));
  for (const row of rows) {
    let known = points.get(row.id);
    if (!known) points.set(row.id, (known = new Map()));
    const at = reading.from + row.bucket * reading.step * 1000;
    known.set(row.bucket, counters.has(row.id) ? counterPoint(at, row) : gaugePoint(at, row));
  }
  return points;
}

/** The rate over the time covered: a pause that ends within the bucket makes no spike. */
function counterPoint(at: number, { total, seconds }: PointRow): SeriesPoint {
  return { at, value: seconds ? total / seconds : null, min: null, max: null, sum: total };
}

function gaugePoint(at: number, { total, n, lowest, highest }: PointRow): SeriesPoint {
  return { at, value: n > 0 ? total / n : null, min: lowest, max: highest, sum: null };
}
