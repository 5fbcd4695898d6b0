import { columnName, families, tableGaugeFields } from '../families.ts';
import { rowsOf } from '../family-sql.ts';
import { levelNames } from '../levels.ts';
import type { TableGauges } from '../types.ts';
import type { Reader } from './reader.ts';

/**
 * Gauges of tables as they stood at a moment: rows are written only when something changed, so it is the last row of each
 * before it, on whatever level that still is. Tables not seen by then are left out.
 */
export async function readTableGauges(
  reader: Reader,
  { targetId, ids, at }: { targetId: number; ids: readonly number[]; at: Date },
): Promise<Map<number, TableGauges>> {
  const columns = tableGaugeFields.map(columnName).join(', ');
  const latest = levelNames.map(
    (level) => `(
         SELECT   seen, ${columns}
         FROM     (${rowsOf(families.table, level)}) AS rows
         WHERE    target_id = $1
         AND      id = wanted.id
         AND      at < $3
         ORDER BY at DESC
         LIMIT    1
       )`,
  );
  const rows = await reader.rows<Record<string, number | null> & { id: number }>(
    `
     SELECT   DISTINCT ON (id) id::integer AS id, ${columns}
     FROM     unnest($2::bigint[]) AS wanted (id)
     CROSS    JOIN LATERAL (${latest.join(' UNION ALL ')}) AS latest
     WHERE    seen < $3
     ORDER BY id, seen DESC`,
    [targetId, ids, at],
  );
  const gaugesOf = (row: Record<string, number | null>) =>
    Object.fromEntries(tableGaugeFields.map((field) => [field, row[columnName(field)] ?? 0])) as Record<
      keyof TableGauges,
      number
    >;
  return new Map(rows.map((row) => [row.id, gaugesOf(row)]));
}
