import type { BackupRecord } from '../repository/index.ts';
import type { Decision } from './decision.ts';
import { type LogNeeds, type LogSums, neededBytes } from './log-needs.ts';
import type { RetentionPolicy } from './policy.ts';

/** Which log stays with what is kept. @param decisions newest first */
export function logNeeds(decisions: readonly Decision[], { log = 'all' }: RetentionPolicy, asOf: Date): LogNeeds {
  const kept: BackupRecord[] = [];
  const plain: BackupRecord[] = [];
  const neededByPlain = new Set<string>();
  for (const { backup, keep, classes } of decisions) {
    if (!keep) continue;
    kept.push(backup);
    // A pin keeps a backup for itself: years of log after it are another matter.
    const isPlain = classes.some((why) => why !== 'pin' && why !== 'parent') || neededByPlain.has(backup.id);
    if (!isPlain) continue;
    plain.push(backup);
    if (backup.parent !== null) neededByPlain.add(backup.parent);
  }
  if (log === 'all') return { kept, onward: plain };
  if ('last' in log) return { kept, onward: plain.slice(0, Math.max(1, log.last)) };
  const since = asOf.getTime() - log.ageMs;
  // With the backup from which the earliest of those moments is reached.
  const first = plain.findIndex(({ endedAt }) => endedAt.getTime() <= since);
  return { kept, onward: first < 0 ? plain : plain.slice(0, first + 1) };
}

/** What stays takes up so much, backups and log. */
export function bytesOf(needs: LogNeeds, log: LogSums): number {
  const files = needs.kept.flatMap(({ files: stored }) => stored);
  return files.reduce((sum, { storedBytes }) => sum + storedBytes, 0) + neededBytes(log, needs);
}
