import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BackupRecord } from '../repository/index.ts';
import { decide, type RetentionPolicy } from './decide.ts';

const hour = 3_600_000;

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
const keptOf = (backups: readonly BackupRecord[], policy: Partial<RetentionPolicy>): Record<string, string[]> =>
  Object.fromEntries(
    decide(backups, { ...none, ...policy }).flatMap(({ backup, keep, reasons }) =>
      keep ? [[backup.id, reasons]] : [],
    ),
  );

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

test('whatever is kept is whole, the latest is kept, and pruning again removes nothing', () => {
  const policy = fc.record({
    last: fc.nat(3),
    daily: fc.nat(4),
    weekly: fc.nat(3),
    monthly: fc.nat(3),
    yearly: fc.nat(2),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'Pacific/Kiritimati', 'America/St_Johns'),
  });
  const histories = fc
    .array(fc.tuple(fc.integer({ min: -5, max: 900 }), fc.boolean()), { maxLength: 40 })
    .map((steps) => {
      let at = Date.UTC(2024, 0, 1);
      return steps.map(([hours, full], place) => {
        at += hours * hour;
        const isFull = full || place === 0;
        return backupAt(new Date(at), place, isFull ? {} : { type: 'incremental', parent: String(place - 1) });
      });
    });
  fc.assert(
    fc.property(histories, policy, (backups, asked) => {
      const decisions = decide(backups, asked);
      expect(decisions).toHaveLength(backups.length);
      const kept = new Map(decisions.flatMap(({ backup, keep }) => (keep ? [[backup.id, backup]] : [])));
      for (const { parent } of kept.values()) if (parent !== null) expect(kept.has(parent)).toBe(true);
      const newest = backups.at(-1);
      if (newest) expect(kept.has(newest.id)).toBe(true);
      expect(decide([...kept.values()], asked).every(({ keep }) => keep)).toBe(true);
    }),
  );
});
