import { randomUUID } from 'node:crypto';
import { isLive } from '../applications/pools.ts';
import type { Reader } from '../history/reader.ts';
import { storable } from '../storable.ts';
import type { CacheAsk, CacheCommandProgress, CacheCommandStep, PendingCommand } from './types.ts';

/** For so long a process that reports is given a command. */
const livesMs = 10 * 60_000;

/**
 * Whether a command concerns a cache in a process: by its names, unless the process began after it, lacks the warmer, or has no tables
 * while only tables are named.
 */
const concerns = `
       (command.application IS NULL OR command.application = application.name)
  AND  (command.cache IS NULL OR command.cache = cache.name)
  AND  told.since <= command.asked_at
  AND  (command.action <> 'warm' OR told.state -> 'warmers' ? (command.arguments ->> 'warmer'))
  AND  (command.action <> 'invalidate' OR cache.kind = 'queries' OR command.arguments ?| ARRAY['keys', 'tags', 'patterns'])`;

/** Keeps a command for the processes that it concerns. Gives its id. */
export async function askCaches(reader: Reader, ask: CacheAsk): Promise<string> {
  const id = randomUUID();
  await reader.rows(
    `
     INSERT INTO pitcrew.cache_command (id, target_id, application, cache, action, arguments, asked_at, asked_by, expires_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      id,
      ask.targetId,
      ask.application ?? null,
      ask.cache ?? null,
      ask.action,
      JSON.stringify(ask.arguments),
      ask.now,
      storable(ask.askedBy),
      new Date(ask.now.getTime() + livesMs),
    ],
  );
  return id;
}

/** Commands that a process has not told the result of, oldest first. */
export async function pendingCommands(
  reader: Reader,
  { targetId, application, instance, now }: { targetId: number; application: string; instance: string; now: Date },
): Promise<PendingCommand[]> {
  const rows = await reader.rows<
    Pick<PendingCommand, 'id' | 'cache' | 'action'> & { arguments: CacheAsk['arguments'] }
  >(
    `
     SELECT   command.id, cache.name AS cache, command.action, command.arguments
     FROM     pitcrew.cache_command AS command
     JOIN     pitcrew.application ON application.target_id = command.target_id AND application.name = $2
     JOIN     pitcrew.cache ON cache.application_id = application.id
     JOIN     pitcrew.cache_instance AS told
              ON (told.application_id, told.instance, told.cache_id) = (application.id, $3, cache.id)
     WHERE    command.target_id = $1 AND command.expires_at > $4 AND ${concerns}
     AND      NOT EXISTS (
                SELECT FROM pitcrew.cache_command_result AS result
                WHERE  (result.command_id, result.cache_id, result.instance) = (command.id, cache.id, $3)
              )
     ORDER BY command.asked_at, command.id, cache.name
     LIMIT    100`,
    [targetId, storable(application).trim(), storable(instance), now],
  );
  return rows.map(({ arguments: given, ...command }) => ({ ...command, ...given }));
}

type StepRow = Omit<CacheCommandStep, 'state'> & { ok: boolean | null; seenAt: Date; seconds: number };

/** A command and what became of it in each process that it concerns. */
export async function readCacheCommand(
  reader: Reader,
  { targetId, id, now }: { targetId: number; id: string; now: Date },
): Promise<CacheCommandProgress | undefined> {
  const [command] = await reader.rows<Omit<CacheCommandProgress, 'steps'>>(
    `
     SELECT id, application, cache, action, arguments,
            asked_at AS "askedAt", asked_by AS "askedBy", expires_at AS "expiresAt"
     FROM   pitcrew.cache_command
     WHERE  target_id = $1 AND id = $2`,
    [targetId, id],
  );
  if (!command) return undefined;
  const rows = await reader.rows<StepRow>(
    `
     SELECT   application.name AS application,
              cache.name       AS cache,
              told.instance,
              told.seen_at     AS "seenAt",
              told.seconds,
              result.done_at   AS at,
              result.ok,
              result.error,
              result.detail
     FROM     pitcrew.cache_command AS command
     JOIN     pitcrew.application ON application.target_id = command.target_id
     JOIN     pitcrew.cache ON cache.application_id = application.id
     JOIN     pitcrew.cache_instance AS told ON told.cache_id = cache.id
     LEFT     JOIN pitcrew.cache_command_result AS result
              ON (result.command_id, result.cache_id, result.instance) = (command.id, cache.id, told.instance)
     WHERE    command.id = $1 AND (result.ok IS NOT NULL OR ${concerns})
     ORDER BY 1, 2, 3`,
    [id],
  );
  const askedAt = command.askedAt.getTime();
  return {
    ...command,
    steps: rows.flatMap(({ ok, seenAt, seconds, ...step }): CacheCommandStep[] => {
      const told = { seenAt: seenAt.getTime(), seconds };
      // What had ended before it was asked has nothing to do.
      if (ok === null && !isLive(told, askedAt)) return [];
      const state = ok === null ? (isLive(told, now.getTime()) ? 'waiting' : 'silent') : ok ? 'done' : 'failed';
      return [{ ...step, state }];
    }),
  };
}
