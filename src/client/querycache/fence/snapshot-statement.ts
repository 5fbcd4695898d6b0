import { Snapshot } from './snapshot.ts';

/**
 * Asks for a snapshot, to be sent on the same connection right before the statement whose result is to be kept, in the same pipeline and
 * outside of a transaction. The statement then sees all that this snapshot sees, and perhaps more: an entry that carries it is
 * sometimes evicted for a change that it has, and never kept for one that it lacks. So nothing about the statement itself needs to be
 * changed, and one snapshot does for several statements that follow it.
 */
export const snapshotStatement = {
  name: 'pitcrew_snapshot',
  text: `SELECT /* pitcrew */ pg_current_snapshot()::text AS "snapshot", pg_is_in_recovery()::text AS "standby"`,
} as const;

/** A row of `snapshotStatement`. */
export interface SnapshotRow {
  snapshot: string;
  standby: string;
}

/** @throws {PitcrewError} `E_USAGE` when there is no snapshot in it. */
export function snapshotOf(row: SnapshotRow | undefined): Snapshot {
  return Snapshot.parse(row?.snapshot ?? '', { standby: row?.standby === 'true' });
}
