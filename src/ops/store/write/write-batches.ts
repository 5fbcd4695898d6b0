import type { ClientBase } from 'pg';
import { isMissingPartition } from '../failures.ts';
import { addLate, insertRaw } from '../family-sql.ts';
import { type LevelName, levelNames } from '../levels.ts';
import { type Partition, partitionAt, type Partitions } from '../partitions.ts';
import { inTransaction } from '../transaction.ts';
import { storable } from '../storable.ts';
import type { Batch, Family } from '../types.ts';
import { numberArray, timeArray } from './array-literal.ts';
import { writeBaselines } from './baseline.ts';
import type { Dimensions } from './dimensions.ts';
import { type FamilyRows, resolveBatches, type ResolvedBatches, rowParameters } from './rows.ts';

/** Who writes, and the number of this transaction: one that was committed already is not repeated. */
export interface WriteStamp {
  writerId: string;
  sequence: number;
}

const mostAttempts = 5;

/**
 * Writes batches in one transaction: raw samples, what came too late for roll-ups, and the baselines that the deltas lead
 * to.
 */
export async function writeBatches(
  client: ClientBase,
  dimensions: Dimensions,
  partitions: Partitions,
  batches: readonly Batch[],
  stamp: WriteStamp,
): Promise<void> {
  const resolved = await resolveBatches(client, dimensions, batches);
  await partitions.ensure(client, partitionsOf(resolved.rows, ['raw']));
  for (let attempt = 1; ; attempt++) {
    try {
      await inTransaction(client, () => writeResolved(client, resolved, batches, stamp));
      return;
    } catch (error) {
      if (!isMissingPartition(error) || attempt === mostAttempts) throw error;
    }
    // A late sample needs partitions of the roll-ups too, or retention dropped some meanwhile.
    partitions.forget();
    await partitions.ensure(client, partitionsOf(resolved.rows, levelNames));
  }
}

function partitionsOf(rows: readonly FamilyRows[], levels: readonly LevelName[]): Partition[] {
  return rows.flatMap(({ definition, times }) =>
    [...new Set(times)].flatMap((time) => levels.map((level) => partitionAt(definition.family, level, time))),
  );
}

async function writeResolved(
  client: ClientBase,
  { rows, seenStatements, seenRelations }: ResolvedBatches,
  batches: readonly Batch[],
  { writerId, sequence }: WriteStamp,
): Promise<void> {
  const { rowCount } = await client.query(
    'UPDATE pitcrew.writer SET sequence = $2, written_at = now() WHERE id = $1 AND sequence < $2',
    [writerId, sequence],
  );
  // An earlier attempt was committed, though its answer was lost.
  if (rowCount === 0) return;
  const watermarks = await lockWatermarks(client, rows);
  for (const family of rows) await writeRows(client, family, watermarks);
  await writeBaselines(client, batches);
  await moveLastSeen(client, seenStatements);
  await updateRelations(client, seenRelations);
  await markDropped(client, batches);
}

type Watermarks = Map<string, number>;

/** Reads the watermarks and holds them where they are until this transaction ends: see `rollUp`. */
export async function lockWatermarks(client: ClientBase, rows: readonly FamilyRows[]): Promise<Watermarks> {
  const { rows: progress } = await client.query<{ family: Family; level: LevelName; rolled: Date | null }>(
    `
     SELECT   family, level, rolled_to AS rolled
     FROM     pitcrew.progress
     WHERE    family = ANY ($1::text[])
     ORDER BY family, level
     FOR      SHARE`,
    [rows.map(({ definition }) => definition.family)],
  );
  return new Map(
    progress.flatMap(({ family, level, rolled }) => (rolled ? [[`${family}/${level}`, rolled.getTime()]] : [])),
  );
}

export async function writeRows(client: ClientBase, rows: FamilyRows, watermarks: Watermarks): Promise<void> {
  const parameters = rowParameters(rows);
  await client.query(insertRaw(rows.definition), parameters);
  const oldest = rows.times.reduce((least, time) => Math.min(least, time), Infinity);
  for (const level of levelNames) {
    const watermark = watermarks.get(`${rows.definition.family}/${level}`);
    if (watermark === undefined || oldest >= watermark) continue;
    await client.query(addLate(rows.definition, level), [...parameters, new Date(watermark)]);
  }
}

async function moveLastSeen(client: ClientBase, seen: ReadonlyMap<number, number>): Promise<void> {
  if (seen.size === 0) return;
  await client.query(
    `
     UPDATE pitcrew.statement
     SET    last_seen = at
     FROM   unnest($1::integer[], $2::timestamptz[]) AS input (id, at)
     WHERE  statement.id = input.id AND statement.last_seen < at`,
    [numberArray([...seen.keys()]), timeArray([...seen.values()])],
  );
}

async function updateRelations(client: ClientBase, seen: ResolvedBatches['seenRelations']): Promise<void> {
  if (seen.size === 0) return;
  await client.query(
    `
     UPDATE pitcrew.relation
     SET    last_seen = at, gauges = input.gauges::double precision[], dropped_at = NULL
     FROM   unnest($1::integer[], $2::timestamptz[], $3::text[]) AS input (id, at, gauges)
     WHERE  relation.id = input.id AND relation.last_seen <= at`,
    [
      numberArray([...seen.keys()]),
      timeArray([...seen.values()].map(({ at }) => at)),
      [...seen.values()].map(({ gauges }) => numberArray(gauges)),
    ],
  );
}

async function markDropped(client: ClientBase, batches: readonly Batch[]): Promise<void> {
  for (const { targetId, at, dropped = [] } of batches) {
    if (dropped.length === 0) continue;
    await client.query(
      `
       UPDATE pitcrew.relation
       SET    dropped_at = $2
       FROM   unnest($3::text[], $4::text[], $5::text[]) AS input (family, schema, name)
       WHERE  target_id = $1 AND relation.last_seen <= $2
       AND    (relation.family, relation.schema, relation.name) = (input.family, input.schema, input.name)`,
      [
        targetId,
        at,
        dropped.map(({ family }) => family),
        dropped.map(({ schema }) => storable(schema)),
        dropped.map(({ name }) => storable(name)),
      ],
    );
  }
}
