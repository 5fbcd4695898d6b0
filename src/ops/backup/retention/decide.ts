import { formatDuration } from '../../../config/index.ts';
import { type BackupRecord, byLog, type PinRecord } from '../repository/index.ts';
import { calendarOf, type CalendarSpans } from './calendar.ts';
import type { Decision, Weighed } from './decision.ts';
import { bytesOf, logNeeds } from './kept-log.ts';
import type { LogNeeds, LogSums } from './log-needs.ts';
import type { RetentionClass, RetentionPolicy } from './policy.ts';
import { shrink } from './within-size.ts';

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
  /** Which log stays with them. */
  needs: LogNeeds;
  /** What stays takes up so much, backups and log. */
  keptBytes: number;
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
  const weighed = [...all.values()];
  const needs =
    maxBytes === undefined ? logNeeds(weighed, policy, asOf) : shrink(weighed, policy, { maxBytes, log, asOf });
  const decisions = weighed.map(({ isSafe: _limits, ...decision }): Decision => decision);
  for (const { backup, keep: isKept, reasons } of decisions) {
    if (isKept || reasons.length > 0) continue;
    reasons.push(
      maxAgeMs !== undefined && isTooOld(backup)
        ? `older than ${formatDuration(maxAgeMs)}`
        : 'no day, week, month or year wants it',
    );
  }
  tellShortened(decisions, needs);
  return { decisions, asOf, needs, keptBytes: bytesOf(needs, log) };
}

/** Log goes on from the oldest of those from which it is to; older ones have what they need themselves. */
function tellShortened(decisions: readonly Decision[], { onward }: LogNeeds): void {
  const oldest = decisions.findIndex(({ backup }) => backup === onward.at(-1));
  for (const decision of decisions.slice(oldest + 1)) {
    if (decision.keep) decision.toItsEnd ??= 'older than the log that is kept';
  }
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
