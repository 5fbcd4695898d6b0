import type { BackupRecord } from '../repository/index.ts';
import type { DrillRecord } from './record.ts';

/** Those whose last proof is the longest ago: first the ones that never had one, the newest first. `drills`: the oldest first. */
export function longestUnproven(
  backups: readonly BackupRecord[],
  drills: readonly DrillRecord[],
  count: number,
): BackupRecord[] {
  const provenAt = new Map<string, number>();
  for (const { backup, proven, endedAt } of drills) if (proven) provenAt.set(backup, endedAt.getTime());
  return backups
    .toReversed()
    .toSorted((a, b) => (provenAt.get(a.id) ?? 0) - (provenAt.get(b.id) ?? 0))
    .slice(0, count);
}
