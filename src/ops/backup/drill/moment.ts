import { createHash, randomBytes } from 'node:crypto';
import { lsnText } from '../../../engine/postgres/replication/index.ts';
import type { BackupRecord, Repository } from '../repository/index.ts';
import type { RecoveryTarget } from '../restore/target.ts';
import { segmentStart } from '../wal/segments.ts';
import { type Moment, reachableWindows } from '../wal/windows.ts';
import type { DrillRecord } from './record.ts';

/** To where a drill recovers: to the end of the log by default. */
export type DrillMoment =
  | { kind: 'end' }
  /** To any position that can be reached; the same seed draws the same one from the same log. */
  | { kind: 'random'; seed?: string | undefined }
  | { kind: 'given'; target: RecoveryTarget };

export interface ChosenMoment {
  target: RecoveryTarget;
  record: DrillRecord['target'];
}

export async function chooseMoment(
  repository: Repository,
  backup: BackupRecord,
  moment: DrillMoment,
): Promise<ChosenMoment> {
  if (moment.kind === 'end') return { target: {}, record: { kind: 'end', value: null, seed: null } };
  if (moment.kind === 'given') {
    return { target: moment.target, record: { kind: 'given', value: textOf(moment.target), seed: null } };
  }
  const seed = moment.seed ?? randomBytes(4).toString('hex');
  const first = backup.endLsn;
  const last = await lastCertain(repository, backup);
  if (!last || last.lsn <= first) {
    return { target: { immediate: true }, record: { kind: 'random', value: lsnText(first), seed } };
  }
  const drawn = BigInt(`0x${createHash('sha256').update(seed).digest('hex').slice(0, 16)}`);
  const lsn = first + ((drawn * (last.lsn - first)) >> 64n);
  return {
    target: { lsn, timeline: last.timeline },
    record: { kind: 'random', value: lsnText(lsn), seed },
  };
}

/** Up to where there is a record after the backup without doubt: how far the last segment is filled is not known. */
async function lastCertain(
  repository: Repository,
  backup: BackupRecord,
): Promise<Pick<Moment, 'timeline' | 'lsn'> | undefined> {
  const { windows } = await reachableWindows(repository, await repository.chain(backup));
  const end = windows.find(({ backups }) => backups.includes(backup.id))?.to;
  return end && { timeline: end.timeline, lsn: segmentStart(end.lsn - 1n, backup.segmentBytes) };
}

function textOf({ time, lsn, xid, name, immediate }: RecoveryTarget): string | null {
  if (immediate) return 'the end of the backup';
  return time ?? (lsn === undefined ? undefined : lsnText(lsn)) ?? xid ?? name ?? null;
}
