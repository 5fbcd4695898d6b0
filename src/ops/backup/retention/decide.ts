import { type BackupRecord, byLog } from '../repository/index.ts';
import { calendarOf, type CalendarSpans } from './calendar.ts';

/** What is kept. Of each span of the calendar that has a backup it is the latest one; spans without any do not count. */
export interface RetentionPolicy {
  /** So many of the latest backups; 1 at least. */
  last: number;
  /** The latest backup of each of so many days, weeks, months and years. */
  daily: number;
  weekly: number;
  monthly: number;
  yearly: number;
  /** In which days begin and end, such as `Europe/Berlin`. */
  timeZone: string;
}

/** What becomes of a backup, and why. */
export interface Decision {
  backup: BackupRecord;
  keep: boolean;
  /** One reason or several: "the latest", "of the week 2026-W49", "needed by …". */
  reasons: string[];
}

/**
 * Decides what is kept, newest first. Which backup is newer is told by the server's log and not by a clock: one that was set back or forward makes no
 * backup look older than it is, and nothing depends on what time it is now.
 * @throws {RangeError} for a time zone that does not exist
 */
export function decide(backups: readonly BackupRecord[], policy: RetentionPolicy): Decision[] {
  const newestFirst = backups.toSorted(byLog).toReversed();
  const calendar = calendarOf(policy.timeZone);
  const reasons = new Map<string, string[]>(newestFirst.map(({ id }) => [id, []]));
  const keep = ({ id }: BackupRecord, reason: string): void => void reasons.get(id)?.push(reason);
  for (const [place, backup] of newestFirst.slice(0, Math.max(1, policy.last)).entries()) {
    keep(backup, place === 0 ? 'the latest' : `one of the last ${policy.last}`);
  }
  for (const [span, most] of spansOf(policy)) {
    const seen = new Set<string>();
    for (const backup of newestFirst) {
      const name = calendar(backup.endedAt)[span];
      if (seen.size >= most || seen.has(name)) continue;
      seen.add(name);
      keep(backup, `of the ${span} ${name}`);
    }
  }
  // An incremental one is worth nothing without those that it builds on.
  for (const { id, parent } of newestFirst) {
    if (parent !== null && (reasons.get(id)?.length ?? 0) > 0) reasons.get(parent)?.push(`needed by ${id}`);
  }
  return newestFirst.map((backup) => {
    const found = reasons.get(backup.id) ?? [];
    return found.length > 0
      ? { backup, keep: true, reasons: found }
      : { backup, keep: false, reasons: ['no day, week, month or year wants it'] };
  });
}

function spansOf({ daily, weekly, monthly, yearly }: RetentionPolicy): [keyof CalendarSpans, number][] {
  return [
    ['day', daily],
    ['week', weekly],
    ['month', monthly],
    ['year', yearly],
  ];
}
