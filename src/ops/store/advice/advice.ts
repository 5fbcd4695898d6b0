import type { ClientBase } from 'pg';
import type { Reader } from '../history/reader.ts';
import { storable } from '../storable.ts';
import { documentText } from './document.ts';
import type {
  AdviceEvent,
  AdviceState,
  AdviceStore,
  AdviceTransition,
  Document,
  KnownAdvice,
  StoredAdvice,
} from './types.ts';

const most = 2000;

/** All of a piece of advice. */
export const adviceColumns = `
            id, target_id AS "targetId", key, check_id AS "check", kind, severity, state, state_since AS "stateSince",
            finding, declined_finding AS "declinedFinding", first_seen AS "firstSeen", last_seen AS "lastSeen",
            apply_began_at AS "applyBeganAt", applied_at AS "appliedAt", progress, measurement`;

/** Table that a finding is about, itself or a part of it; NULL for what belongs to none. */
export const tableOfFinding = `
            coalesce(finding->'subject'->>'table',
                     CASE WHEN finding->'subject'->>'kind' = 'table' THEN finding->'subject'->>'name' END)`;

export function listAdvice(
  reader: Reader,
  { targetId, states, kinds, tables }: Parameters<AdviceStore['list']>[0],
): Promise<StoredAdvice[]> {
  return reader.rows<StoredAdvice>(
    `
     SELECT ${adviceColumns}
     FROM     pitcrew.advice
     WHERE    target_id = $1
       AND    ($2::text[] IS NULL OR state = ANY ($2))
       AND    ($3::text[] IS NULL OR kind = ANY ($3))
       AND    ($4::text[] IS NULL
               OR (finding->'subject'->>'schema', ${tableOfFinding}) IN (SELECT * FROM unnest($4::text[], $5::text[])))
     ORDER BY array_position(ARRAY['critical', 'warning', 'info'], severity), first_seen DESC, id
     LIMIT    ${most}`,
    [
      targetId,
      states ?? null,
      kinds ?? null,
      tables?.map(({ schema }) => storable(schema)) ?? null,
      tables?.map(({ name }) => storable(name)) ?? null,
    ],
  );
}

export function readKnown(reader: Reader, targetId: number): Promise<KnownAdvice[]> {
  return reader.rows<KnownAdvice>(
    `
     SELECT id, key, check_id AS "check", state, state_since AS "stateSince", declined_finding AS "declinedFinding"
     FROM   pitcrew.advice
     WHERE  target_id = $1`,
    [targetId],
  );
}

export async function readAdvice(reader: Reader, targetId: number, id: number): Promise<StoredAdvice | undefined> {
  const [row] = await reader.rows<StoredAdvice>(
    `
     SELECT ${adviceColumns}
     FROM   pitcrew.advice
     WHERE  target_id = $1 AND id = $2`,
    [targetId, id],
  );
  return row;
}

export function readEvents(reader: Reader, id: number): Promise<AdviceEvent[]> {
  return reader.rows<AdviceEvent>(
    `
     SELECT   at, from_state AS "from", to_state AS "to", made_by AS "by", reason
     FROM     pitcrew.advice_event
     WHERE    advice_id = $1
     ORDER BY id`,
    [id],
  );
}

export async function setDocument(
  reader: Reader,
  column: 'progress' | 'measurement',
  id: number,
  document: Document | null,
): Promise<void> {
  await reader.rows(`UPDATE pitcrew.advice SET ${column} = $2 WHERE id = $1`, [id, documentText(document)]);
}

/** Changes a state and writes its event, unless somebody else was faster. */
export async function changeState(client: ClientBase, change: AdviceTransition): Promise<StoredAdvice | undefined> {
  const { rows: found } = await client.query<{ state: AdviceState }>(
    'SELECT state FROM pitcrew.advice WHERE target_id = $1 AND id = $2 FOR UPDATE',
    [change.targetId, change.id],
  );
  const before = found[0]?.state;
  if (before === undefined || !change.from.includes(before)) return undefined;
  const { rows } = await client.query<StoredAdvice>(
    `
     UPDATE pitcrew.advice
     SET    state = $2,
            state_since = $3,
            progress = NULL,
            apply_began_at = coalesce($4, apply_began_at),
            applied_at = coalesce($5, applied_at),
            measurement = CASE WHEN $6 THEN $7::jsonb ELSE measurement END,
            declined_finding = CASE $8::boolean WHEN true THEN finding WHEN false THEN NULL ELSE declined_finding END
     WHERE  id = $1
     RETURNING ${adviceColumns}`,
    [
      change.id,
      change.to,
      change.at,
      change.applyBeganAt ?? null,
      change.appliedAt ?? null,
      change.measurement !== undefined,
      documentText(change.measurement ?? null),
      change.declined ?? null,
    ],
  );
  await writeEvent(client, change.id, { ...change, from: before });
  return rows[0];
}

/** At most so many changes of state are remembered of one piece of advice. */
const mostEvents = 200;

export async function writeEvent(
  client: ClientBase,
  id: number,
  event: { at: Date; from: AdviceState | null; to: AdviceState; by: string; reason?: string | undefined },
): Promise<void> {
  await client.query(
    `
     INSERT INTO pitcrew.advice_event (advice_id, at, from_state, to_state, made_by, reason)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [
      id,
      event.at,
      event.from,
      event.to,
      storable(event.by),
      event.reason === undefined ? null : storable(event.reason),
    ],
  );
  await client.query(
    `
     DELETE FROM pitcrew.advice_event
     WHERE  advice_id = $1
       AND  id <= (SELECT id FROM pitcrew.advice_event WHERE advice_id = $1 ORDER BY id DESC OFFSET ${mostEvents} LIMIT 1)`,
    [id],
  );
}
