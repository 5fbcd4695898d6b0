import { formatDuration, formatSize } from '../../../config/index.ts';
import { type BackupRecord, byLog, type PinRecord } from '../repository/index.ts';
import { calendarOf, type CalendarSpans } from './calendar.ts';
import { type LogNeeds, type LogSums, neededBytes } from './log-needs.ts';
import type { RetentionClass, RetentionPolicy } from './policy.ts';

/** What becomes of a backup, and why. */
export interface Decision {
  backup: BackupRecord;
  keep: boolean;
  /** One reason or several: "the latest", "of the week 2026-W49", "needed by …". */
  reasons: string[];
  /** Of what is kept: one for each reason. */
  classes: RetentionClass[];
}

/** What else has a say. */
export interface Circumstances {
  /** Of backups, by name. */
  pins?: ReadonlyMap<string, PinRecord>;
  /** Backups that are being made, with what they build on. */
  running?: readonly { id: string; parent: string | null }[];
  /** What the log between the backups takes up. */
  log?: LogSums;
  now?: Date;
}

export interface Decided {
  /** Newest first. */
  decisions: Decision[];
  /** As of when: of the latest backup, unless the clock says that it is of the future. */
  asOf: Date;
  /** What stays takes up so much, backups and log. */
  keptBytes: number;
}

interface Weighed extends Decision {
  /** No limit touches it. */
  isSafe: boolean;
}

/**
 * Decides what is kept. Which backup is newer is told by the server's log and not by a clock, and what is old by how long before the latest backup it was
 * made: a clock that was set back or forward, and a time in which no backups are made, remove nothing. Whatever is kept has all that it builds on.
 * @throws {RangeError} for a time zone that does not exist
 */
export function decide(
  backups: readonly BackupRecord[],
  policy: RetentionPolicy,
  { pins = new Map(), running = [], log = [], now = new Date() }: Circumstances = {},
): Decided {
  const newestFirst = backups.toSorted(byLog).toReversed();
  const [newest] = newestFirst;
  const asOf = newest && newest.endedAt < now ? newest.endedAt : now;
  const all = new Map<string, Weighed>(
    newestFirst.map((backup) => [backup.id, { backup, keep: false, reasons: [], classes: [], isSafe: false }]),
  );
  const keep = (id: string, reason: string, why: RetentionClass, isSafe = true): void => {
    const found = all.get(id);
    if (!found) return;
    found.keep = true;
    found.reasons.push(reason);
    found.classes.push(why);
    found.isSafe ||= isSafe;
  };
  const last = Math.max(1, policy.last);
  for (const [place, { id }] of newestFirst.slice(0, last).entries()) {
    keep(id, place === 0 ? 'the latest' : `one of the last ${last}`, 'last');
  }
  for (const [id, reason, why] of protectors({ pins, running }, asOf)) keep(id, reason, why);
  const { maxBytes, maxAgeMs } = policy;
  const isTooOld = ({ endedAt }: BackupRecord): boolean =>
    maxAgeMs !== undefined && asOf.getTime() - endedAt.getTime() > maxAgeMs;
  keepByCalendar(newestFirst, policy, (backup, reason, span) => {
    if (!isTooOld(backup)) keep(backup.id, reason, span, false);
  });
  // An incremental one is worth nothing without those that it builds on.
  for (const { backup, keep: isKept, isSafe } of all.values()) {
    if (isKept && backup.parent !== null) keep(backup.parent, `needed by ${backup.id}`, 'parent', isSafe);
  }
  if (maxBytes !== undefined) shrink([...all.values()], policy, { maxBytes, log, asOf });
  const decisions = [...all.values()].map(({ backup, keep: isKept, reasons, classes }): Decision => ({
    backup,
    keep: isKept,
    reasons,
    classes,
  }));
  for (const { backup, keep: isKept, reasons } of decisions) {
    if (isKept || reasons.length > 0) continue;
    reasons.push(
      maxAgeMs !== undefined && isTooOld(backup)
        ? `older than ${formatDuration(maxAgeMs)}`
        : 'no day, week, month or year wants it',
    );
  }
  return { decisions, asOf, keptBytes: bytesOf(logNeeds(decisions, policy, asOf), log) };
}

/** Backups that neither calendar nor limits remove, with the reason. */
export function* protectors(
  { pins = new Map(), running = [] }: Pick<Circumstances, 'pins' | 'running'>,
  asOf: Date,
): Generator<[id: string, reason: string, why: 'pin' | 'running']> {
  for (const { id, reason, until } of pins.values()) {
    if (until === null || until > asOf) yield [id, pinText(reason, until), 'pin'];
  }
  for (const { id, parent } of running) {
    if (parent !== null) yield [parent, `needed by ${id}, which is being made`, 'running'];
  }
}

const pinText = (reason: string | null, until: Date | null): string =>
  `pinned${until === null ? '' : ` until ${until.toISOString().slice(0, 10)}`}${reason === null ? '' : `: ${reason}`}`;

function keepByCalendar(
  newestFirst: readonly BackupRecord[],
  { daily, weekly, monthly, yearly, timeZone }: RetentionPolicy,
  keep: (backup: BackupRecord, reason: string, span: keyof CalendarSpans) => void,
): void {
  const calendar = calendarOf(timeZone);
  const spans: [keyof CalendarSpans, number][] = [
    ['day', daily],
    ['week', weekly],
    ['month', monthly],
    ['year', yearly],
  ];
  for (const [span, most] of spans) {
    const seen = new Set<string>();
    for (const backup of newestFirst) {
      const name = calendar(backup.endedAt)[span];
      if (seen.size >= most || seen.has(name)) continue;
      seen.add(name);
      keep(backup, `of the ${span} ${name}`, span);
    }
  }
}

/** Lets the oldest go, each with those that build on it, until the rest fits or only what is safe from limits is left. */
function shrink(
  newestFirst: Weighed[],
  policy: RetentionPolicy,
  { maxBytes, log, asOf }: { maxBytes: number; log: LogSums; asOf: Date },
): void {
  const fits = (decisions: readonly Decision[]): boolean => bytesOf(logNeeds(decisions, policy, asOf), log) <= maxBytes;
  if (fits(newestFirst)) return;
  const steps = removals(newestFirst);
  // Each step leaves less: the first that is enough is found by halves.
  let [few, enough] = [0, steps.length];
  while (enough - few > 1) {
    const middle = Math.floor((few + enough) / 2);
    const gone = new Set(steps.slice(0, middle).flat());
    if (fits(newestFirst.filter((decision) => !gone.has(decision)))) enough = middle;
    else few = middle;
  }
  for (const decision of steps.slice(0, enough).flat()) {
    Object.assign(decision, { keep: false, classes: [], reasons: [`beyond ${formatSize(maxBytes)}`] });
  }
}

/** What may go, the oldest first: each with those that build on it and have not gone before. */
function removals(newestFirst: readonly Weighed[]): Weighed[][] {
  const oldestFirst = newestFirst.toReversed();
  const gone = new Set<string>();
  return oldestFirst.flatMap((oldest, place) => {
    if (!oldest.keep || oldest.isSafe || gone.has(oldest.backup.id)) return [];
    const going: Weighed[] = [];
    const ids = new Set([oldest.backup.id]);
    for (const decision of oldestFirst.slice(place)) {
      const { id, parent } = decision.backup;
      if (parent !== null && ids.has(parent)) ids.add(id);
      if (!ids.has(id) || !decision.keep || gone.has(id)) continue;
      gone.add(id);
      going.push(decision);
    }
    return [going];
  });
}

/** Which log stays with what is kept. */
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

function bytesOf(needs: LogNeeds, log: LogSums): number {
  const files = needs.kept.flatMap(({ files: stored }) => stored);
  return files.reduce((sum, { storedBytes }) => sum + storedBytes, 0) + neededBytes(log, needs);
}
