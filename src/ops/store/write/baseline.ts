import type { ClientBase } from 'pg';
import { storable } from '../storable.ts';
import type { BaselineChange, BaselineEntry, Batch } from '../types.ts';
import { numberArray } from './array-literal.ts';

/** The one change that does what two do, one after the other. */
export function mergeBaselines(
  earlier: BaselineChange | undefined,
  later: BaselineChange | undefined,
): BaselineChange | undefined {
  if (!earlier || later?.replaceAll) return later ?? earlier;
  if (!later) return earlier;
  const upserts = new Map(earlier.upserts.map((upsert) => [upsert.key, upsert]));
  const deletes = new Set(earlier.deletes);
  for (const key of later.deletes) {
    upserts.delete(key);
    deletes.add(key);
  }
  for (const upsert of later.upserts) {
    upserts.set(upsert.key, upsert);
    deletes.delete(upsert.key);
  }
  return { replaceAll: earlier.replaceAll, upserts: [...upserts.values()], deletes: [...deletes] };
}

/** Applies the changes of several batches, in their order, as one per target and collector. */
export async function writeBaselines(client: ClientBase, batches: readonly Batch[]): Promise<void> {
  const merged = new Map<string, { batch: Batch; change: BaselineChange }>();
  for (const batch of batches) {
    const name = `${batch.targetId}/${batch.collector}`;
    const change = mergeBaselines(merged.get(name)?.change, batch.baseline);
    if (change) merged.set(name, { batch, change });
  }
  for (const { batch, change } of merged.values()) await writeBaseline(client, batch, change);
}

async function writeBaseline(
  client: ClientBase,
  { targetId, collector }: Batch,
  change: BaselineChange,
): Promise<void> {
  if (change.replaceAll) {
    await client.query('DELETE FROM pitcrew.baseline WHERE target_id = $1 AND collector = $2', [targetId, collector]);
  } else if (change.deletes.length > 0) {
    await client.query(
      'DELETE FROM pitcrew.baseline WHERE target_id = $1 AND collector = $2 AND key = ANY ($3::text[])',
      [targetId, collector, change.deletes.map(storable)],
    );
  }
  const upserts = [...new Map(change.upserts.map((upsert) => [storable(upsert.key), upsert])).entries()];
  if (upserts.length === 0) return;
  await client.query(
    `
     INSERT INTO pitcrew.baseline (target_id, collector, key, values, stamp)
     SELECT $1, $2, key, values::double precision[], stamp
     FROM   unnest($3::text[], $4::text[], $5::text[]) AS input (key, values, stamp)
     ON CONFLICT (target_id, collector, key) DO UPDATE SET values = excluded.values, stamp = excluded.stamp`,
    [
      targetId,
      collector,
      upserts.map(([key]) => key),
      upserts.map(([, { values }]) => numberArray(values)),
      upserts.map(([, { stamp }]) => (stamp === undefined ? null : storable(stamp))),
    ],
  );
}

export async function readBaseline(
  client: ClientBase,
  targetId: number,
  collector: string,
): Promise<Map<string, BaselineEntry>> {
  const { rows } = await client.query<{ key: string; values: number[]; stamp: string | null }>(
    'SELECT key, values, stamp FROM pitcrew.baseline WHERE target_id = $1 AND collector = $2',
    [targetId, collector],
  );
  return new Map(rows.map(({ key, values, stamp }) => [key, { values, stamp: stamp ?? undefined }]));
}
