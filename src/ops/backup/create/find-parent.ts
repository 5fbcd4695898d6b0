import type { PhysicalConnection } from '../../../engine/postgres/replication/physical/index.ts';
import { PitcrewError } from '../../../errors.ts';
import type { BackupRecord, Repository } from '../repository/index.ts';

/** Whether a server can tell which blocks have changed. Before, an incremental backup is the log since the one before. */
export const knowsBlocks = (version: number): boolean => version >= 170_000;

/**
 * Which backup the next one is to build on: the latest that is there.
 * @throws {PitcrewError} `E_UNSUPPORTED` where the server does not keep track of what changes, and for the log of a standby; `E_NOT_FOUND` when there is no
 * backup yet; `E_CONFLICT` when the server was promoted since
 */
export async function findParent(
  base: PhysicalConnection,
  repository: Repository,
  { timeline, isStandby }: { timeline: number; isStandby: boolean },
): Promise<BackupRecord> {
  const isOfBlocks = knowsBlocks(base.version);
  if (isOfBlocks && (await base.show('summarize_wal')) !== 'on') {
    throw new PitcrewError('E_UNSUPPORTED', 'the server does not keep track of what changes', {
      detail: 'Its setting summarize_wal is off.',
      hint: 'ALTER SYSTEM SET summarize_wal = on, then SELECT pg_reload_conf(); and make a full backup after that.',
    });
  }
  if (!isOfBlocks && isStandby) {
    throw new PitcrewError('E_UNSUPPORTED', `${base.address} is a standby`, {
      detail: 'Before PostgreSQL 17 an incremental backup is log, whose last segment only the primary ends.',
      hint: 'Make it of the primary, or a full one of the standby.',
    });
  }
  const parent = (await repository.backups()).at(-1);
  if (!parent) {
    throw new PitcrewError('E_NOT_FOUND', 'there is no backup to build on', { hint: 'Make a full one first.' });
  }
  if (!isOfBlocks && parent.timeline !== timeline) {
    throw new PitcrewError('E_CONFLICT', `the server was promoted since ${parent.id}`, {
      detail: `That is of timeline ${parent.timeline}, and the server is on ${timeline}.`,
      hint: 'Make a full backup.',
    });
  }
  return parent;
}
