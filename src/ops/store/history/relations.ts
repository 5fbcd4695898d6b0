import { columnName, families, indexFields, indexGaugeFields, tableFields, tableGaugeFields } from '../families.ts';
import { rolledUp } from '../family-sql.ts';
import { storable } from '../storable.ts';
import type {
  CounterPoint,
  IndexTotals,
  RelationKey,
  RelationsAnswer,
  TableCounters,
  TableGauges,
  TableTotals,
  TimeRange,
} from '../types.ts';
import { readCovered, sumOf } from './covered.ts';
import { bucketNumber, bucketStarts, Parameters, planReading, segmentRows, stepForTotals } from './range.ts';
import { readTableGauges } from './gauges-at.ts';
import type { Reader } from './reader.ts';

/** Name of the collector whose coverage counts for tables and indexes. */
const collector = 'tables';

type Row = Record<string, unknown>;

export async function readTables(
  reader: Reader,
  query: TimeRange & { targetId: number },
): Promise<RelationsAnswer<TableTotals>> {
  const { answer, rows } = await readRelations(reader, 'table', query);
  const relations = rows.map((row) => ({
    ...identity(row),
    counters: pick(row, tableFields),
    gauges: gaugesOf(row, tableGaugeFields),
  }));
  return { ...answer, relations };
}

export async function readIndexes(
  reader: Reader,
  query: TimeRange & { targetId: number; schema?: string; table?: string },
): Promise<RelationsAnswer<IndexTotals>> {
  const { answer, rows } = await readRelations(reader, 'index', query);
  const relations = rows.map((row) => ({
    ...identity(row),
    firstSeen: row.first_seen instanceof Date ? row.first_seen : answer.from,
    counters: pick(row, indexFields),
    gauges: gaugesOf(row, indexGaugeFields),
  }));
  return { ...answer, relations };
}

/** Relations that exist in the range, also those in which nothing happened, with their counters and latest gauges. */
async function readRelations(
  reader: Reader,
  family: 'table' | 'index',
  query: TimeRange & { targetId: number; schema?: string; table?: string },
): Promise<{ answer: TimeRange & { coveredSeconds: number }; rows: Row[] }> {
  const reading = planReading(await reader.progress(), [family, 'metric'], query, stepForTotals(query));
  const relations = await reader.rows<Row>(
    `
     SELECT   id, schema, name, parent, gauges, first_seen
     FROM     pitcrew.relation
     WHERE    target_id = $1
     AND      family = $2
     AND      (dropped_at IS NULL OR dropped_at >= $3)
     AND      first_seen < $4
     AND      ($5::text IS NULL OR schema = $5)
     AND      ($6::text IS NULL OR parent = $6)
     ORDER BY schema, name`,
    [
      query.targetId,
      family,
      new Date(reading.from),
      new Date(reading.to),
      textOrNull(query.schema),
      textOrNull(query.table),
    ],
  );
  const parameters = new Parameters();
  const ofTarget = `target_id = ${parameters.add(query.targetId)}`;
  const ids = (): string => parameters.add(relations.map(({ id }) => id));
  const condition = query.table === undefined ? ofTarget : `${ofTarget} AND relation_id = ANY (${ids()}::integer[])`;
  const segments = segmentRows(family, reading.segments(family), parameters, condition);
  const counters = families[family].columns.filter(({ rollUp }) => rollUp === 'sum');
  const totals = await reader.rows<Row>(
    `
     SELECT   id, ${rolledUp(counters)}
     FROM     (${segments}) AS rows
     GROUP BY id`,
    parameters.values,
  );
  // Brought together here: for tables that were never analyzed, the planner may choose a join that takes minutes.
  const totalsOf = new Map(totals.map((row) => [row.id, row]));
  const rows = relations.map((relation) => ({ ...totalsOf.get(relation.id), ...relation }));
  const covered = await readCovered(reader, query.targetId, collector, reading);
  return { answer: { from: new Date(reading.from), to: new Date(reading.to), coveredSeconds: sumOf(covered) }, rows };
}

type TablePoint = CounterPoint<TableCounters> & { gauges: TableGauges | null };

/** The course of one table. Gauges that did not change are those of the bucket before, where the bucket is covered. */
export async function readTableSeries(
  reader: Reader,
  query: TimeRange & { targetId: number; id: number; step: number },
): Promise<TimeRange & { step: number; points: TablePoint[] }> {
  const reading = planReading(await reader.progress(), ['table', 'metric'], query, query.step);
  const covered = await readCovered(reader, query.targetId, collector, reading);
  const parameters = new Parameters();
  const condition = `target_id = ${parameters.add(query.targetId)} AND relation_id = ${parameters.add(query.id)}::bigint`;
  const segments = segmentRows('table', reading.segments('table'), parameters, condition);
  const rows = await reader.rows<Row>(
    `
     SELECT   ${bucketNumber(reading, parameters)} AS bucket, ${rolledUp(families.table.columns)}
     FROM     (${segments}) AS rows
     GROUP BY 1`,
    parameters.values,
  );
  const known = new Map(rows.map((row) => [row.bucket, row]));
  const before = await readTableGauges(reader, {
    targetId: query.targetId,
    ids: [query.id],
    at: new Date(reading.from),
  });
  let gauges = before.get(query.id) ?? null;
  const points = bucketStarts(reading).map((at, bucket): TablePoint => {
    const row = known.get(bucket);
    if (row) gauges = pick(row, tableGaugeFields);
    const coveredSeconds = covered.get(bucket) ?? 0;
    return { at, coveredSeconds, counters: pick(row, tableFields), gauges: row || coveredSeconds > 0 ? gauges : null };
  });
  return { from: new Date(reading.from), to: new Date(reading.to), step: reading.step, points };
}

function identity(row: Row): { id: number; key: RelationKey } {
  const { id, schema, name, parent } = row as { id: number; schema: string; name: string; parent: string | null };
  return { id, key: parent === null ? { schema, name } : { schema, name, parent } };
}

/** Fields by their columns; absent and NULL are zero. */
function pick<Field extends string>(row: Row | undefined, fields: readonly Field[]): Record<Field, number> {
  return Object.fromEntries(fields.map((field) => [field, numberOr0(row?.[columnName(field)])])) as Record<
    Field,
    number
  >;
}

/** Gauges from the array of a relation, which is in the order of `fields`. */
function gaugesOf<Field extends string>(row: Row, fields: readonly Field[]): Record<Field, number> {
  const values: unknown[] = Array.isArray(row.gauges) ? row.gauges : [];
  return Object.fromEntries(fields.map((field, index) => [field, numberOr0(values[index])])) as Record<Field, number>;
}

function textOrNull(text: string | undefined): string | null {
  return text === undefined ? null : storable(text);
}

function numberOr0(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
