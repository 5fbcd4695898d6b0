import type { ClientBase } from 'pg';
import { messageOf } from '../../../errors.ts';
import { dropPartition, listPartitions, type Partition } from '../partitions.ts';
import { inTransaction } from '../transaction.ts';
import { families } from '../families.ts';
import type { LevelName } from '../levels.ts';
import type { Family, Level, StoreLogger } from '../types.ts';
import { isRolledUp, readProgress } from './roll-up.ts';

/**
 * Drops partitions that are wholly older than their level's retention at `now` (ms since 1970), once the coarser level
 * has what they hold. One that cannot be locked at once stays until the next time. Answers how many were dropped.
 */
export async function dropExpired(
  client: ClientBase,
  levels: readonly Level[],
  now: number,
  logger?: StoreLogger,
): Promise<number> {
  const retention = new Map(levels.map(({ name, retentionMs }) => [name, retentionMs]));
  const expired = (await listPartitions(client)).filter(
    ({ family, level, to }) => to <= now - retentionOf(family, level, retention.get(level) ?? Infinity),
  );
  let dropped = 0;
  for (const partition of expired) {
    try {
      if (await dropOne(client, partition)) dropped += 1;
    } catch (error) {
      logger?.info(
        { ...partition, reason: messageOf(error) },
        'old history could not be dropped now; tried again later',
      );
    }
  }
  return dropped;
}

function retentionOf(family: Family, level: LevelName, configured: number): number {
  const { rawRetentionMs = Infinity } = families[family];
  return level === 'raw' ? Math.min(configured, rawRetentionMs) : configured;
}

function dropOne(client: ClientBase, partition: Partition): Promise<boolean> {
  return inTransaction(client, async () => {
    await client.query("SET LOCAL lock_timeout = '1s'");
    // This waits for writers and keeps new ones out, so that the drop itself waits for readers only.
    await client.query('SELECT FROM pitcrew.progress WHERE family = $1 AND level = $2 FOR UPDATE', [
      partition.family,
      partition.level,
    ]);
    if (!isRolledUp(await readProgress(client), partition)) return false;
    await client.query(
      `
       UPDATE pitcrew.progress
       SET    kept_from = greatest(kept_from, $3)
       WHERE  family = $1 AND level = $2`,
      [partition.family, partition.level, new Date(partition.to)],
    );
    await dropPartition(client, partition);
    return true;
  });
}

/** Values that were not told again for so long are removed: what is planned with them is of a week. */
const parametersMs = 7 * 86_400_000;
/** An application that has reported for so long from processes that keep none has ended to keep them. */
const endedMs = 3_600_000;

/**
 * Removes values that statements were called with, at `now` (ms since 1970): those that were not told again for a week, and all of an
 * application that reports, while none of its processes of the last hour keeps any.
 */
export async function forgetParameters(client: ClientBase, now: number): Promise<void> {
  await client.query(
    `
     DELETE FROM pitcrew.application_parameters AS told
     USING  pitcrew.application_statement AS statement
     WHERE  statement.id = told.application_statement_id
     AND    (told.told_at < $1
             OR EXISTS (SELECT FROM pitcrew.application_instance AS process
                        WHERE  process.application_id = statement.application_id AND process.seen_at > $2)
                AND NOT EXISTS (SELECT FROM pitcrew.application_instance AS process
                                WHERE  process.application_id = statement.application_id
                                AND    process.seen_at > $2
                                AND    process.samples_parameters))`,
    [new Date(now - parametersMs), new Date(now - endedMs)],
  );
}

/**
 * Forgets statements that no level can hold any more, relations that are gone for as long, what applications
 * told and tell no more, and writers that ended.
 */
export async function forgetUnused(client: ClientBase, levels: readonly Level[], now: number): Promise<void> {
  const longest = Math.max(...levels.map(({ retentionMs }) => retentionMs));
  // A partition is dropped when its youngest row is too old; the margin is the widest partition.
  const before = new Date(now - longest - 60 * 24 * 3_600_000);
  await client.query('DELETE FROM pitcrew.statement WHERE last_seen < $1', [before]);
  await client.query('DELETE FROM pitcrew.relation WHERE dropped_at < $1', [before]);
  await client.query('DELETE FROM pitcrew.caller WHERE last_seen < $1', [before]);
  await client.query('DELETE FROM pitcrew.activity WHERE last_seen < $1', [before]);
  await client.query('DELETE FROM pitcrew.cache_part WHERE last_seen < $1', [before]);
  await client.query('DELETE FROM pitcrew.cache WHERE last_seen < $1', [before]);
  await client.query("DELETE FROM pitcrew.cache_command WHERE expires_at < $1::timestamptz - interval '7 days'", [
    new Date(now),
  ]);
  await client.query("DELETE FROM pitcrew.advice WHERE last_seen < $1 AND state NOT IN ('applying', 'undoing')", [
    before,
  ]);
  await client.query('DELETE FROM pitcrew.change_log WHERE ended_at < $1', [before]);
  await client.query('DELETE FROM pitcrew.application_statement WHERE last_seen < $1', [before]);
  await client.query('DELETE FROM pitcrew.application WHERE last_seen < $1', [before]);
  await client.query("DELETE FROM pitcrew.application_instance WHERE seen_at < $1::timestamptz - interval '7 days'", [
    new Date(now),
  ]);
  await client.query("DELETE FROM pitcrew.writer WHERE written_at < $1::timestamptz - interval '7 days'", [
    new Date(now),
  ]);
}
