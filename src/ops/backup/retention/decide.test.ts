import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BackupRecord, PinRecord } from '../repository/index.ts';
import { type Circumstances, decide } from './decide.ts';
import { neededBytes, spareIn } from './log-needs.ts';
import type { RetentionPolicy } from './policy.ts';

const hour = 3_600_000;
const day = 24 * hour;

/** A backup that ended then; where it is in the log is told by `place`. */
function backupAt(endedAt: string | Date, place: number, more: Partial<BackupRecord> = {}): BackupRecord {
  const end = new Date(endedAt);
  return {
    format: 1,
    id: `${place}`,
    type: 'full',
    parent: null,
    systemId: '1',
    serverVersion: 180_000,
    segmentBytes: 16 * 1024 * 1024,
    blockBytes: 8192,
    timeline: 1,
    startLsn: BigInt(place) * 1000n,
    endLsn: BigInt(place) * 1000n + 500n,
    startedAt: new Date(end.getTime() - hour),
    endedAt: end,
    label: '',
    tablespaces: [],
    files: [],
    warnings: [],
    recipients: [],
    madeBy: 'a test',
    ...more,
  };
}

const none: RetentionPolicy = { last: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0, timeZone: 'UTC' };
const keptOf = (
  backups: readonly BackupRecord[],
  policy: Partial<RetentionPolicy>,
  circumstances?: Circumstances,
): Record<string, string[]> => reasonsOf(true, backups, policy, circumstances);
const goneOf = (...args: Parameters<typeof keptOf>): Record<string, string[]> => reasonsOf(false, ...args);

function reasonsOf(
  kept: boolean,
  backups: readonly BackupRecord[],
  policy: Partial<RetentionPolicy>,
  circumstances?: Circumstances,
): Record<string, string[]> {
  const { decisions } = decide(backups, { ...none, ...policy }, circumstances);
  return Object.fromEntries(
    decisions.flatMap(({ backup, keep, reasons }) => (keep === kept ? [[backup.id, reasons]] : [])),
  );
}

const pinOf = (id: string, more: Partial<PinRecord> = {}): [string, PinRecord] => [
  id,
  { format: 1, id, pinnedAt: new Date(0), until: null, reason: null, ...more },
];
/** Stored as so many bytes. */
const sized = (storedBytes: number): Partial<BackupRecord> => ({
  files: [{ name: 'base.tar', key: 'a', bytes: storedBytes, storedBytes, sha256: '' }],
});

test('of each day, week, month and year the latest is kept', () => {
  const backups = [
    backupAt('2024-12-31T12:00:00Z', 1),
    backupAt('2026-10-31T12:00:00Z', 2),
    backupAt('2026-11-27T12:00:00Z', 3),
    backupAt('2026-11-29T01:00:00Z', 4),
    backupAt('2026-11-29T22:30:00Z', 5),
    backupAt('2026-11-29T23:30:00Z', 6),
  ];
  expect(keptOf(backups, { daily: 2 })).toEqual({
    6: ['the latest', 'of the day 2026-11-29'],
    3: ['of the day 2026-11-27'],
  });
  // In Berlin it was half past midnight already.
  expect(keptOf(backups, { daily: 2, timeZone: 'Europe/Berlin' })).toEqual({
    6: ['the latest', 'of the day 2026-11-30'],
    5: ['of the day 2026-11-29'],
  });
  expect(keptOf(backups, { weekly: 3 })).toEqual({
    6: ['the latest', 'of the week 2026-W48'],
    2: ['of the week 2026-W44'],
    // The last day of 2024 is of the first week of 2025.
    1: ['of the week 2025-W01'],
  });
  expect(keptOf(backups, { monthly: 2, yearly: 9 })).toEqual({
    6: ['the latest', 'of the month 2026-11', 'of the year 2026'],
    2: ['of the month 2026-10'],
    1: ['of the year 2024'],
  });
  expect(keptOf(backups, { last: 2 })).toEqual({ 6: ['the latest'], 5: ['one of the last 2'] });
  expect(keptOf(backups, { last: 0 })).toEqual({ 6: ['the latest'] });
  expect(keptOf([], { daily: 7 })).toEqual({});
});

test('a day that is longer or shorter than others is one day', () => {
  // In Berlin clocks go back an hour on the 25th of October, at 3 in the morning: the hour before that comes twice.
  const autumn = [
    '2026-10-24T21:59:00Z',
    '2026-10-24T22:00:00Z',
    '2026-10-25T00:30:00Z',
    '2026-10-25T01:30:00Z',
    '2026-10-25T22:59:00Z',
    '2026-10-25T23:00:00Z',
  ];
  const berlin = { daily: 9, timeZone: 'Europe/Berlin' };
  expect(
    keptOf(
      autumn.map((at, place) => backupAt(at, place)),
      berlin,
    ),
  ).toEqual({
    5: ['the latest', 'of the day 2026-10-26'],
    4: ['of the day 2026-10-25'],
    0: ['of the day 2026-10-24'],
  });
  // In Beirut the 29th of March begins at 1 in the morning.
  const spring = ['2026-03-28T21:59:00Z', '2026-03-28T22:00:00Z', '2026-03-29T20:59:00Z', '2026-03-29T21:00:00Z'];
  expect(
    keptOf(
      spring.map((at, place) => backupAt(at, place)),
      { daily: 9, timeZone: 'Asia/Beirut' },
    ),
  ).toEqual({
    3: ['the latest', 'of the day 2026-03-30'],
    2: ['of the day 2026-03-29'],
    0: ['of the day 2026-03-28'],
  });
});

test('a clock that was set back makes no new backup look old', () => {
  const backups = [
    backupAt('2026-11-28T12:00:00Z', 1),
    backupAt('2026-11-29T12:00:00Z', 2),
    backupAt('2020-01-01T12:00:00Z', 3),
  ];
  expect(keptOf(backups, { daily: 2 })).toEqual({
    3: ['the latest', 'of the day 2020-01-01'],
    2: ['of the day 2026-11-29'],
  });
});

test('what a kept backup builds on is kept, as far as the chain goes', () => {
  const chain = [
    backupAt('2026-11-01T12:00:00Z', 1),
    backupAt('2026-11-02T12:00:00Z', 2, { type: 'incremental', parent: '1' }),
    backupAt('2026-11-03T12:00:00Z', 3, { type: 'incremental', parent: '2' }),
    backupAt('2026-11-04T12:00:00Z', 4),
    backupAt('2026-11-05T12:00:00Z', 5, { type: 'incremental', parent: '3' }),
  ];
  expect(keptOf(chain, {})).toEqual({
    5: ['the latest'],
    3: ['needed by 5'],
    2: ['needed by 3'],
    1: ['needed by 2'],
  });
});

test('a pinned backup is kept with what it builds on, until its time is over', () => {
  const backups = [
    backupAt('2026-11-01T12:00:00Z', 1),
    backupAt('2026-11-02T12:00:00Z', 2, { type: 'incremental', parent: '1' }),
    backupAt('2026-11-03T12:00:00Z', 3),
    backupAt('2026-11-04T12:00:00Z', 4),
  ];
  const pins = new Map([
    pinOf('2', { reason: 'before the migration' }),
    pinOf('3', { until: new Date('2026-11-04T00:00:00Z') }),
  ]);
  const now = new Date('2026-12-01T00:00:00Z');
  expect(keptOf(backups, {}, { pins, now })).toEqual({
    4: ['the latest'],
    2: ['pinned: before the migration'],
    1: ['needed by 2'],
  });
  // What no backup has come after is not over, whatever the clock says.
  expect(keptOf(backups.slice(0, 3), {}, { pins, now })).toMatchObject({
    3: ['the latest', 'pinned until 2026-11-04'],
  });
});

test('what a backup that is being made builds on stays', () => {
  const backups = [1, 2].map((place) => backupAt(`2026-11-0${place}T12:00:00Z`, place));
  const running = [{ id: 'new', parent: '1' }];
  expect(keptOf(backups, {}, { running })).toEqual({
    2: ['the latest'],
    1: ['needed by new, which is being made'],
  });
});

test('what is too old goes, but for the last and what is needed', () => {
  const backups = [
    backupAt('2026-01-01T12:00:00Z', 1),
    backupAt('2026-02-01T12:00:00Z', 2),
    backupAt('2026-11-01T12:00:00Z', 3, { type: 'incremental', parent: '2' }),
    backupAt('2026-11-02T12:00:00Z', 4),
  ];
  const policy = { monthly: 12, maxAgeMs: 90 * day };
  expect(keptOf(backups, policy)).toEqual({ 4: ['the latest', 'of the month 2026-11'] });
  expect(goneOf(backups, policy)).toEqual({
    3: ['no day, week, month or year wants it'],
    2: ['older than 90d'],
    1: ['older than 90d'],
  });
  expect(keptOf(backups, { ...policy, last: 2 })).toEqual({
    4: ['the latest', 'of the month 2026-11'],
    3: ['one of the last 2'],
    2: ['needed by 3'],
  });
  // Neither a time without backups nor a clock that is ahead makes them old.
  const later = new Date('2030-01-01T00:00:00Z');
  expect(keptOf(backups.slice(0, 2), policy, { now: later })).toMatchObject({ 1: ['of the month 2026-01'] });
});

test('beyond a size the oldest go, each with those that build on it, but for the last and the pinned', () => {
  const backups = [
    backupAt('2026-11-01T12:00:00Z', 1, sized(10)),
    backupAt('2026-11-02T12:00:00Z', 2, { type: 'incremental', parent: '1', ...sized(1) }),
    backupAt('2026-11-03T12:00:00Z', 3, sized(10)),
    backupAt('2026-11-04T12:00:00Z', 4, { type: 'incremental', parent: '3', ...sized(1) }),
    backupAt('2026-11-05T12:00:00Z', 5, sized(10)),
  ];
  const kept = (maxBytes: number, more: Partial<RetentionPolicy> = {}, circumstances?: Circumstances) =>
    Object.keys(keptOf(backups, { daily: 9, maxBytes, ...more }, circumstances));
  expect(kept(32)).toEqual(['1', '2', '3', '4', '5']);
  expect(kept(31)).toEqual(['3', '4', '5']);
  expect(kept(20)).toEqual(['5']);
  expect(goneOf(backups, { daily: 9, maxBytes: 31 })).toEqual({ 1: ['beyond 31B'], 2: ['beyond 31B'] });
  expect(kept(20, {}, { pins: new Map([pinOf('2')]) })).toEqual(['1', '2', '5']);
  expect(kept(0, { last: 2 })).toEqual(['3', '4', '5']);
  expect(decide(backups, { ...none, maxBytes: 5 }).keptBytes).toBe(10);
  // The log that goes with a backup counts: so much lies between the first and the third.
  const log = [{ at: { timeline: 1, startLsn: 0n }, bytes: 5 }];
  const apart = backups.map((backup, place) => ({
    ...backup,
    startLsn: BigInt(place) << 24n,
    endLsn: (BigInt(place) << 24n) + 1n,
  }));
  expect(Object.keys(keptOf(apart, { daily: 9, maxBytes: 32 }, { log }))).toEqual(['3', '4', '5']);
});

test('where what is safe from limits is still too much, the log between goes from the oldest on', () => {
  /** The n-th takes the segment 10 n; of each segment 1 byte is stored. */
  const backups = [1, 2, 3].map((place) =>
    backupAt(`2026-11-0${place}T12:00:00Z`, place, {
      ...sized(10),
      startLsn: BigInt(place * 10) << 24n,
      endLsn: (BigInt(place * 10) << 24n) + 1n,
    }),
  );
  const log = Array.from({ length: 30 }, (_, number) => ({
    at: { timeline: 1, startLsn: BigInt(number + 10) << 24n },
    bytes: 1,
  }));
  const tried = (maxBytes: number, more: Partial<RetentionPolicy> = {}) => {
    const { decisions, keptBytes } = decide(backups, { ...none, last: 3, maxBytes, ...more }, { log });
    return { keptBytes, toEnd: decisions.flatMap(({ backup, toItsEnd }) => (toItsEnd ? [[backup.id, toItsEnd]] : [])) };
  };
  expect(tried(60)).toEqual({ keptBytes: 60, toEnd: [] });
  expect(tried(59)).toEqual({ keptBytes: 51, toEnd: [['1', 'beyond 59B']] });
  expect(tried(50)).toEqual({
    keptBytes: 42,
    toEnd: [
      ['2', 'beyond 50B'],
      ['1', 'beyond 50B'],
    ],
  });
  // All log from the latest on stays, and what each needs to its own end.
  expect(tried(0)).toMatchObject({ keptBytes: 42 });
  // Whole backups with their log go before that.
  expect(tried(59, { last: 1, daily: 9 })).toEqual({ keptBytes: 40, toEnd: [] });
  expect(tried(99, { log: { last: 1 } })).toMatchObject({
    keptBytes: 42,
    toEnd: [
      ['2', 'older than the log that is kept'],
      ['1', 'older than the log that is kept'],
    ],
  });
});

test('the log stays as far back as it is wanted, and everywhere what a backup needs itself', () => {
  const segment = 1n << 24n;
  /** The n-th takes the segment 10 n. */
  const backups = [1, 2, 3, 4].map((place) =>
    backupAt(`2026-11-0${place}T12:00:00Z`, place, {
      startLsn: BigInt(place) * 10n * segment + 5n,
      endLsn: BigInt(place) * 10n * segment + 9n,
    }),
  );
  const spare = (policy: Partial<RetentionPolicy>, circumstances?: Circumstances): number[] => {
    const all = { ...none, daily: 9, ...policy };
    const { needs } = decide(backups, all, circumstances);
    return [5, 10, 15, 20, 25, 30, 35, 40, 45].filter((number) =>
      spareIn(needs)({ at: { timeline: 1, startLsn: BigInt(number) * segment } }),
    );
  };
  expect(spare({})).toEqual([5]);
  expect(spare({ log: { last: 2 } })).toEqual([5, 15, 25]);
  expect(spare({ log: { last: 1 } })).toEqual([5, 15, 25, 35]);
  expect(spare({ log: { last: 99 } })).toEqual([5]);
  // From noon of the third to noon of the fourth day, and a little more.
  expect(spare({ log: { ageMs: day } })).toEqual([5, 15, 25]);
  expect(spare({ log: { ageMs: day + 1 } })).toEqual([5, 15]);
  expect(spare({ log: { ageMs: 99 * day } })).toEqual([5]);
  // A pin is of the backup, not of all that came later.
  expect(spare({ daily: 1 }, { pins: new Map([pinOf('1')]) })).toEqual([5, 15, 20, 25, 30, 35]);
  // Of another timeline: what comes before may go, what comes later may be what follows.
  const needs = { kept: backups.slice(3), onward: backups.slice(3) };
  const at = (timeline: number, number: bigint) => spareIn(needs)({ at: { timeline, startLsn: number * segment } });
  expect([at(0, 39n), at(0, 40n), at(2, 39n), at(2, 40n)]).toEqual([true, false, false, false]);
  expect(spareIn(needs)({ at: undefined })).toBe(false);
  expect(spareIn({ kept: [], onward: [] })({ at: { timeline: 1, startLsn: 0n } })).toBe(false);
});

test('whatever is kept is whole, the latest is kept, and pruning again removes nothing', () => {
  const policy = fc.record({
    last: fc.nat(3),
    daily: fc.nat(4),
    weekly: fc.nat(3),
    monthly: fc.nat(3),
    yearly: fc.nat(2),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'Pacific/Kiritimati', 'America/St_Johns'),
    maxAgeMs: fc.option(
      fc.integer({ min: 1, max: 400 }).map((days) => days * day),
      { nil: undefined },
    ),
    maxBytes: fc.option(fc.nat(400), { nil: undefined }),
    log: fc.oneof(
      fc.constant('all' as const),
      fc.record({ last: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ ageMs: fc.nat(100).map((days) => days * day) }),
    ),
  });
  const step = fc.record({
    hours: fc.integer({ min: -5, max: 900 }),
    full: fc.boolean(),
    /** Backups that were begun at once build on the same. */
    back: fc.integer({ min: 1, max: 3 }),
    bytes: fc.nat(30),
    pinned: fc.integer({ min: 0, max: 6 }).map((dice) => dice === 0),
  });
  const histories = fc.array(step, { maxLength: 40 }).map((steps) => {
    let at = Date.UTC(2024, 0, 1);
    const backups = steps.map(({ hours, full, back, bytes }, place) => {
      at += hours * hour;
      const isFull = full || place === 0;
      const more = isFull ? {} : { type: 'incremental' as const, parent: String(Math.max(0, place - back)) };
      const startLsn = BigInt(place * 3) << 24n;
      return backupAt(new Date(at), place, { ...more, ...sized(bytes), startLsn, endLsn: startLsn + 1n });
    });
    const pins = new Map(steps.flatMap(({ pinned }, place) => (pinned ? [pinOf(String(place))] : [])));
    const log = Array.from({ length: steps.length * 3 }, (_, number) => ({
      at: { timeline: 1, startLsn: BigInt(number) << 24n },
      bytes: 1,
    }));
    return { backups, circumstances: { pins, log, now: new Date(Date.UTC(2100, 0, 1)) } };
  });
  fc.assert(
    fc.property(histories, policy, fc.nat(39), ({ backups, circumstances }, asked, parentOfRunning) => {
      const running = [{ id: 'running', parent: String(parentOfRunning) }];
      const all = { ...circumstances, running };
      const { decisions, needs, keptBytes } = decide(backups, asked, all);
      expect(decisions).toHaveLength(backups.length);
      for (const { keep, reasons, classes } of decisions) {
        expect(reasons.length).toBeGreaterThan(0);
        expect(classes).toHaveLength(keep ? reasons.length : 0);
      }
      const kept = new Map(decisions.flatMap(({ backup, keep }) => (keep ? [[backup.id, backup]] : [])));
      for (const { parent } of kept.values()) if (parent !== null) expect(kept.has(parent)).toBe(true);
      // The last, what is pinned, what a running one builds on: whatever calendar and limits say.
      const safe = [
        ...backups.slice(-Math.max(1, asked.last)).map(({ id }) => id),
        ...circumstances.pins.keys(),
        ...backups.flatMap(({ id }) => (id === String(parentOfRunning) ? [id] : [])),
      ];
      for (const id of safe) expect(kept.has(id)).toBe(true);
      // Every kept backup has its log, and the latest all that came after it.
      for (const { startLsn } of kept.values()) expect(spareIn(needs)({ at: { timeline: 1, startLsn } })).toBe(false);
      const newest = backups.at(-1);
      if (newest) expect(spareIn(needs)({ at: { timeline: 1, startLsn: newest.startLsn + (2n << 24n) } })).toBe(false);
      // What is counted is what is there. Beyond the limit only what is safe, and what that builds on, is left.
      const files = [...kept.values()].flatMap((backup) => backup.files);
      const stored = files.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
      expect(keptBytes).toBe(stored + neededBytes(circumstances.log, needs));
      if (asked.maxBytes !== undefined && keptBytes > asked.maxBytes) {
        const closed = new Set(safe);
        for (const { id, parent } of backups.toReversed()) if (closed.has(id) && parent !== null) closed.add(parent);
        expect([...kept.keys()].filter((id) => !closed.has(id))).toEqual([]);
        expect(needs.onward.map(({ id }) => id)).toEqual([newest?.id]);
      }
      // Pruned once, it stays as it is; and whenever that is cut short, what is left is whole.
      const again = decide([...kept.values()], asked, all);
      expect(again.decisions.every(({ keep }) => keep)).toBe(true);
      const left = new Set(backups.map(({ id }) => id));
      for (const { backup, keep } of decisions) {
        if (!keep) left.delete(backup.id);
        for (const { id, parent } of backups) if (left.has(id) && parent !== null) expect(left.has(parent)).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});
