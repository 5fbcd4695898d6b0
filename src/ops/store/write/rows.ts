import type { ClientBase } from 'pg';
import {
  families,
  type FamilyDefinition,
  familyNames,
  indexFields,
  indexGaugeFields,
  statementFields,
  tableFields,
  tableGaugeFields,
} from '../families.ts';
import { storedColumns } from '../family-sql.ts';
import type { Batch, Family, MetricSample } from '../types.ts';
import { numberArray, timeArray } from './array-literal.ts';
import { type Dimensions, seriesKey } from './dimensions.ts';

/** Raw rows of one family, ready for the statement that adds them. */
export interface FamilyRows {
  definition: FamilyDefinition;
  targets: number[];
  keys: number[];
  /** ms since 1970. */
  times: number[];
  /** One array per stored column; histograms as text. */
  columns: (number | string | null)[][];
}

/** What several batches change, with every name resolved to its number. */
export interface ResolvedBatches {
  rows: FamilyRows[];
  /** Statements whose `last_seen` moves on, and to when. */
  seenStatements: Map<number, number>;
  /** Relations with their gauges as last seen. */
  seenRelations: Map<number, { at: number; gauges: readonly number[] }>;
}

/** Name of the series that tells how long a collector's statistics cover; every batch adds to it. */
export const coveredSeconds = 'pitcrew.covered_seconds';

/** Resolves names to numbers (making new ones) and lays the batches out as rows. Not for use within a transaction. */
export async function resolveBatches(
  client: ClientBase,
  dimensions: Dimensions,
  batches: readonly Batch[],
): Promise<ResolvedBatches> {
  const rows = Object.fromEntries(familyNames.map((family) => [family, emptyRows(families[family])])) as Record<
    Family,
    FamilyRows
  >;
  await addMetrics(client, dimensions, batches, rows.metric);
  const seenStatements = await addStatements(client, dimensions, batches, rows.statement);
  const seenRelations = new Map<number, { at: number; gauges: readonly number[] }>();
  const tables = deltasOf(batches, ({ tables: list }) => list);
  await addRelations(client, dimensions, 'table', tables, tableFields, tableGaugeFields, rows.table, seenRelations);
  const indexes = deltasOf(batches, ({ indexes: list }) => list);
  await addRelations(client, dimensions, 'index', indexes, indexFields, indexGaugeFields, rows.index, seenRelations);
  return { rows: Object.values(rows).filter(({ keys }) => keys.length > 0), seenStatements, seenRelations };
}

/** Parameters of `insertRaw`. */
export function rowParameters({ definition, targets, keys, times, columns }: FamilyRows): unknown[] {
  const stored = storedColumns(definition, 'raw');
  const arrays = stored.map(({ type, sparse = false }, index) => {
    const values = columns[index] ?? [];
    return type === 'integer[]' ? values : numberArray(values, sparse);
  });
  return [numberArray(targets), numberArray(keys), timeArray(times), ...arrays];
}

export function emptyRows(definition: FamilyDefinition): FamilyRows {
  return { definition, targets: [], keys: [], times: [], columns: storedColumns(definition, 'raw').map(() => []) };
}

export function addRow(
  rows: FamilyRows,
  targetId: number,
  key: number,
  at: number,
  values: readonly (number | string | null)[],
): void {
  rows.targets.push(targetId);
  rows.keys.push(key);
  rows.times.push(at);
  for (const [index, column] of rows.columns.entries()) {
    const value = values[index];
    column.push(typeof value === 'string' ? value : finite(value));
  }
}

/** What is not a number would spoil every sum it gets into. */
function finite(value: number | null | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

async function addMetrics(
  client: ClientBase,
  dimensions: Dimensions,
  batches: readonly Batch[],
  rows: FamilyRows,
): Promise<void> {
  const samples = batches.flatMap((batch) => samplesOf(batch).map((sample) => ({ batch, sample })));
  const ids = await dimensions.series(
    client,
    samples.map(({ batch, sample }) => seriesKey(batch.targetId, sample)),
  );
  for (const [index, { batch, sample }] of samples.entries()) {
    const seconds = sample.kind === 'counter' ? batch.seconds : null;
    addRow(rows, batch.targetId, ids[index] ?? 0, batch.at.getTime(), [seconds, sample.value]);
  }
}

/** The samples of a batch and the time that its collector covers, so that no collector can forget to say it. */
function samplesOf(batch: Batch): MetricSample[] {
  const samples = (batch.metrics ?? []).filter(({ name, value }) => name !== coveredSeconds && Number.isFinite(value));
  if (batch.seconds <= 0) return samples;
  return [
    ...samples,
    { name: coveredSeconds, labels: { collector: batch.collector }, kind: 'counter', value: batch.seconds },
  ];
}

async function addStatements(
  client: ClientBase,
  dimensions: Dimensions,
  batches: readonly Batch[],
  rows: FamilyRows,
): Promise<Map<number, number>> {
  await dimensions.texts(
    client,
    deltasOf(batches, ({ texts }) => texts).map(({ delta, ...seen }) => ({ ...seen, key: delta.key, text: delta })),
  );
  const deltas = deltasOf(batches, ({ statements }) => statements);
  const { ids, stale } = await dimensions.statements(
    client,
    deltas.map(({ delta, ...seen }) => ({ ...seen, key: delta.key })),
  );
  for (const [index, { delta, targetId, at }] of deltas.entries()) {
    addRow(
      rows,
      targetId,
      ids[index] ?? 0,
      at,
      statementFields.map((field) => delta.counters[field]),
    );
  }
  return stale;
}

interface RelationDelta<Counters extends string, Gauges extends string> {
  key: { schema: string; name: string; parent?: string };
  counters: Record<Counters, number>;
  gauges: Record<Gauges, number>;
}

async function addRelations<Counters extends string, Gauges extends string>(
  client: ClientBase,
  dimensions: Dimensions,
  family: 'table' | 'index',
  deltas: readonly { targetId: number; at: number; delta: RelationDelta<Counters, Gauges> }[],
  counters: readonly Counters[],
  gauges: readonly Gauges[],
  rows: FamilyRows,
  seen: Map<number, { at: number; gauges: readonly number[] }>,
): Promise<void> {
  const ids = await dimensions.relations(
    client,
    family,
    deltas.map(({ delta, ...one }) => ({ ...one, key: delta.key })),
  );
  for (const [index, { delta, targetId, at }] of deltas.entries()) {
    const id = ids[index] ?? 0;
    const values = gauges.map((field) => finite(delta.gauges[field]) ?? 0);
    addRow(rows, targetId, id, at, [...counters.map((field) => delta.counters[field]), ...values]);
    if (at >= (seen.get(id)?.at ?? -Infinity)) seen.set(id, { at, gauges: values });
  }
}

function deltasOf<Delta>(
  batches: readonly Batch[],
  listOf: (batch: Batch) => readonly Delta[] | undefined,
): { targetId: number; at: number; delta: Delta }[] {
  return batches.flatMap((batch) =>
    (listOf(batch) ?? []).map((delta) => ({ targetId: batch.targetId, at: batch.at.getTime(), delta })),
  );
}
