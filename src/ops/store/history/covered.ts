import type { Reading } from './range.ts';
import { bucketNumber, Parameters, segmentRows } from './range.ts';
import type { Reader } from './reader.ts';
import { coveredSeconds } from '../write/rows.ts';

/** Seconds that a collector's statistics cover, per bucket in which they cover any. */
export async function readCovered(
  reader: Reader,
  targetId: number,
  collector: string,
  reading: Reading,
): Promise<Map<number, number>> {
  const parameters = new Parameters();
  const series = `(
    SELECT id
    FROM   pitcrew.series
    WHERE  target_id = ${parameters.add(targetId)}
    AND    name = ${parameters.add(coveredSeconds)}
    AND    labels = jsonb_build_object('collector', ${parameters.add(collector)}::text)
    AND    kind = 'counter')`;
  const segments = segmentRows('metric', reading.segments('metric'), parameters, `series_id = ${series}`);
  const rows = await reader.rows<{ bucket: number; seconds: number }>(
    `
     SELECT   ${bucketNumber(reading, parameters)} AS bucket,
              sum(total) AS seconds
     FROM     (${segments}) AS rows
     GROUP BY 1`,
    parameters.values,
  );
  return new Map(rows.map(({ bucket, seconds }) => [bucket, seconds]));
}

export function sumOf(covered: ReadonlyMap<number, number>): number {
  return [...covered.values()].reduce((sum, seconds) => sum + seconds, 0);
}
