import type { BackupRun, BackupRunKind, LatestRuns } from '../../store/index.ts';
import type { BackupRecord } from '../repository/index.ts';
import type { Times } from './schedule.ts';

/** What is to be done by itself. */
export interface Job {
  kind: BackupRunKind;
  /** The time of the schedule that it is for; `null` for what follows something else. */
  dueAt: Date | null;
  attempt: number;
  /** The backup that it is about. */
  backup?: string;
}

export interface DueInput {
  now: Date;
  times: Readonly<Record<'full' | 'incremental' | 'verify', Times | null>>;
  /** Whether each full backup is to be proven, and can be. */
  drills: boolean;
  runs: readonly LatestRuns[];
  /** What is in the repository; `null` when it cannot be read. */
  backups: readonly BackupRecord[] | null;
  /** Until the next attempt after one that failed, by how many there were. */
  retryAfterMs: readonly number[];
}

/**
 * What is due now, the most important first; `undefined` when nothing is. A time of the schedule that was missed is made up for once, and a backup
 * that somebody made by hand counts. What failed for a reason that may pass is tried again so many times; then the next time is waited for.
 */
export function nextJob(input: DueInput): Job | undefined {
  return (
    scheduled('full', input) ??
    scheduled('incremental', input) ??
    pruning(input) ??
    drilling(input) ??
    scheduled('verify', input)
  );
}

function scheduled(kind: 'full' | 'incremental' | 'verify', input: DueInput): Job | undefined {
  const { now, times, backups } = input;
  const dueAt = times[kind]?.latest(now);
  if (!dueAt) return undefined;
  // A full backup has all that an incremental one would.
  const kinds: BackupRunKind[] = kind === 'incremental' ? ['full', 'incremental'] : [kind];
  const done = kinds.map((each) => latestOf(input, each)?.lastDone?.beganAt);
  const made = (backups ?? []).filter(({ type }) => kinds.includes(type)).map(({ startedAt }) => startedAt);
  if ([...done, ...made].some((at) => at && at >= dueAt)) return undefined;
  const last = latestOf(input, kind)?.last;
  const tried = last && last.beganAt >= dueAt ? last : undefined;
  const attempt = attemptAfter(tried, input);
  return attempt === undefined ? undefined : { kind, dueAt, attempt };
}

/** After each backup. */
function pruning(input: DueInput): Job | undefined {
  const made = ['full', 'incremental'] as const;
  const ended = made.map((kind) => latestOf(input, kind)?.lastDone?.endedAt?.getTime() ?? 0);
  const last = latestOf(input, 'prune')?.last;
  const lastMade = Math.max(...ended);
  if (lastMade === 0) return undefined;
  const tried = last && last.beganAt.getTime() >= lastMade ? last : undefined;
  const attempt = attemptAfter(tried, input);
  return attempt === undefined ? undefined : { kind: 'prune', dueAt: null, attempt };
}

/** After each full backup. */
function drilling(input: DueInput): Job | undefined {
  if (!input.drills) return undefined;
  const backup = input.backups?.findLast(({ type }) => type === 'full');
  if (!backup) return undefined;
  const drills = latestOf(input, 'drill');
  if (drills?.lastDone?.backup === backup.id) return undefined;
  const tried = drills?.last.backup === backup.id ? drills.last : undefined;
  const attempt = attemptAfter(tried, input);
  return attempt === undefined ? undefined : { kind: 'drill', dueAt: null, attempt, backup: backup.id };
}

const latestOf = ({ runs }: DueInput, kind: BackupRunKind): LatestRuns | undefined =>
  runs.find((each) => each.kind === kind);

/** Which attempt is to be made now; `undefined`: none, or not yet. */
function attemptAfter(last: BackupRun | undefined, { now, retryAfterMs }: DueInput): number | undefined {
  if (!last) return 1;
  if (last.state === 'done' || last.state === 'running') return undefined;
  // A daemon that died of it dies of it again: that too is tried only so often.
  const again = last.state === 'stopped' || last.error?.passes === true;
  const pauseMs = retryAfterMs[last.attempt - 1];
  if (!again || pauseMs === undefined || !last.endedAt) return undefined;
  return now.getTime() >= last.endedAt.getTime() + pauseMs ? last.attempt + 1 : undefined;
}
