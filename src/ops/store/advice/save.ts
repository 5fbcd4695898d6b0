import type { ClientBase } from 'pg';
import { storable } from '../storable.ts';
import { writeEvent } from './advice.ts';
import { documentText } from './document.ts';
import type { AdviceChange } from './types.ts';

/** Writes what a run found. What has changed its state since the run began is left alone. */
export async function saveChanges(
  client: ClientBase,
  targetId: number,
  changes: readonly AdviceChange[],
  { at, by }: { at: Date; by: string },
): Promise<void> {
  for (const change of changes) await saveOne(client, targetId, change, at, by);
}

async function saveOne(client: ClientBase, targetId: number, change: AdviceChange, at: Date, by: string) {
  if (change.type === 'new') {
    const { rows } = await client.query<{ id: number }>(
      `
       INSERT INTO pitcrew.advice (target_id, key, check_id, kind, severity, state, state_since, finding, first_seen, last_seen)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $7, $7)
       ON CONFLICT (target_id, key) DO NOTHING
       RETURNING id`,
      [
        targetId,
        storable(change.key),
        storable(change.check),
        change.kind,
        change.severity,
        change.state,
        at,
        documentText(change.finding),
      ],
    );
    const id = rows[0]?.id;
    if (id !== undefined) await writeEvent(client, id, { at, from: null, to: change.state, by });
    return;
  }
  const { id, state, to = state, reason } = change;
  const seen = change.type === 'seen' ? change : undefined;
  const { rowCount } = await client.query(
    `
     UPDATE pitcrew.advice
     SET    state = $4,
            state_since = CASE WHEN $4 = state THEN state_since ELSE $5 END,
            last_seen = CASE WHEN $6 THEN $5 ELSE last_seen END,
            kind = coalesce($7, kind),
            severity = coalesce($8, severity),
            finding = coalesce($9::jsonb, finding)
     WHERE  target_id = $1 AND id = $2 AND state = $3`,
    [
      targetId,
      id,
      state,
      to,
      at,
      seen !== undefined,
      seen?.kind ?? null,
      seen?.severity ?? null,
      documentText(seen?.finding ?? null),
    ],
  );
  if (rowCount === 1 && to !== state) await writeEvent(client, id, { at, from: state, to, by, reason });
}
