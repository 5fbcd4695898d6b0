import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CollectorName } from '../types.ts';
import { checks } from './checks/index.ts';
import { createHealthWindow, gradeOf, healthDocs, type HealthInput, healthReport, verdicts } from './index.ts';
import {
  ago,
  collector,
  healthy,
  metric,
  names,
  now,
  sessions,
  setting,
  table,
  withCounters,
  withLatest,
  withSessions,
  withSettings,
} from '../../../../test/support/health-input.ts';

const base = healthy();

/** Changes that make something worse, each something else. */
const damages: ((input: HealthInput) => HealthInput)[] = [
  (input) => withSessions(input, ...sessions(99)),
  (input) => withCounters(input, 'recent', { 'statements.exec_seconds': 7000 }),
  (input) => withCounters(input, 'recent', { 'statements.slow_calls': 2500 }),
  (input) => withCounters(input, 'recent', { 'database.rollbacks': 300 }),
  (input) => withCounters(input, 'recent', { 'database.blocks_read': 200_000 }),
  (input) => withCounters(input, 'hour', { 'database.deadlocks': 3 }),
  (input) => withCounters(input, 'hour', { 'checkpoints.requested': 40 }),
  (input) => withLatest(input, metric('replication.replay_lag_seconds', 12, { replica: 'r1' })),
  (input) => withLatest(input, metric('database.xid_age', 1.7e9)),
  (input) => withLatest(input, metric('host.disk_used_bytes', 90e9, { path: '/data' })),
  (input) => withSettings(input, setting('fsync', 'off')),
  (input) => ({ ...input, tables: [table('orders', { deadRows: 90_000 })] }),
  (input) => ({ ...input, checksumFailures: 2 }),
  (input) => ({ ...input, invalidIndexes: [{ schema: 'public', table: 'orders', name: 'i' }] }),
];

/** Changes by which something is not known any more. */
const blindnesses: ((input: HealthInput) => HealthInput)[] = [
  (input) => ({ ...input, tables: undefined }),
  (input) => ({ ...input, slots: undefined }),
  (input) => ({ ...input, settings: undefined }),
  (input) => ({ ...input, sequences: undefined }),
  (input) => ({ ...input, hostIsLocal: false }),
  (input) => ({ ...input, checksumFailures: null }),
  (input) => ({ ...input, window: { ...input.window, recent: new Map() } }),
  (input) => ({ ...input, window: { ...input.window, hour: new Map() } }),
  ...names.map((name) => (input: HealthInput) => ({
    ...input,
    status: { ...input.status, collectors: stale(input, name) },
  })),
];

function stale(input: HealthInput, name: CollectorName): HealthInput['status']['collectors'] {
  return input.status.collectors.map((state) =>
    state.name === name ? collector(name, { lastSuccess: ago(3600) }) : state,
  );
}

function randomly(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

function some<Item>(items: readonly Item[], random: (below: number) => number): Item[] {
  return items.filter(() => random(4) === 0);
}

describe('healthReport', () => {
  it('keeps the score within its bounds and the report consistent, whatever happens', () => {
    const random = randomly(1);
    for (let round = 0; round < 300; round++) {
      const changes = [...some(damages, random), ...some(blindnesses, random)];
      const report = healthReport(changes.reduce((input, change) => change(input), base));
      expect(report.known).toBeGreaterThanOrEqual(0);
      expect(report.known).toBeLessThanOrEqual(1);
      if (report.score === null) expect(report.known).toBeLessThan(0.5);
      else {
        expect(report.score).toBeGreaterThanOrEqual(0);
        expect(report.score).toBeLessThanOrEqual(100);
        expect(report.grade).toBe(gradeOf(report.score));
      }
      for (const { status, pointsLost, weight } of report.checks) {
        expect(pointsLost).toBeLessThanOrEqual(weight);
        if (status === 'ok' || status === 'unknown') expect(pointsLost).toBe(0);
      }
    }
  });

  it('never raises the score when something gets worse', () => {
    const random = randomly(2);
    for (let round = 0; round < 200; round++) {
      const changes = some(damages, random);
      const one = damages.filter((damage) => !changes.includes(damage))[random(damages.length - changes.length)];
      const before = changes.reduce((input, change) => change(input), base);
      const after = one?.(before) ?? before;
      expect(healthReport(after).score).toBeLessThanOrEqual(healthReport(before).score ?? 0);
    }
  });

  it('never gives more for what is not known than for what is fine', () => {
    const random = randomly(3);
    const pairs = Array.from({ length: 300 }, () => {
      const input = some(damages, random).reduce((sum, change) => change(sum), base);
      const blind = blindnesses[random(blindnesses.length)];
      return { seen: healthReport(input), hidden: healthReport(blind?.(input) ?? input) };
    });
    expect(pairs.filter(({ hidden }) => hidden.known === 1)).toEqual([]);
    // Where nothing but fine checks became unknown.
    const hiddenFine = pairs.filter(({ seen, hidden }) =>
      seen.checks.every(({ status }, at) => status === 'ok' || hidden.checks[at]?.status === status),
    );
    expect(hiddenFine.length).toBeGreaterThan(50);
    for (const { seen, hidden } of hiddenFine) expect(hidden.score).toBeLessThanOrEqual(seen.score ?? 0);
  });

  it('is limited by a critical check', () => {
    expect(healthReport(withSessions(base, ...sessions(96)))).toMatchObject({
      score: 59,
      grade: 'F',
      status: 'critical',
    });
    const deadlocks = withCounters(base, 'hour', { 'database.deadlocks': 60 });
    expect(healthReport(deadlocks)).toMatchObject({ score: 69, grade: 'D', status: 'critical' });
  });

  it('has no score for a database of which less than half is known', () => {
    const unread = {
      ...base,
      status: { ...base.status, collectors: names.map((name) => collector(name, { lastSuccess: null })) },
    };
    const report = healthReport(unread);
    expect(report).toMatchObject({ score: null, grade: null, status: 'unknown' });
    expect(report.known).toBeLessThan(0.5);
    expect(healthReport({ ...unread, checksumFailures: 1 }).status).toBe('unknown');
  });

  it('gives no rates to a daemon that has just started', () => {
    const window = createHealthWindow();
    window.add({ at: now, seconds: 10, metrics: [{ name: 'database.deadlocks', kind: 'counter', value: 0 }] });
    const report = healthReport({ ...base, window: window.view(now) });
    const unknown = report.checks.filter(({ status }) => status === 'unknown').map(({ id }) => id);
    expect(unknown).toEqual([
      'mean-statement-time',
      'slow-statements',
      'rollbacks',
      'deadlocks',
      'cache-hits',
      'index-usage',
      'temporary-files',
      'checkpoints',
      'archiving',
      'memory',
      'cpu',
    ]);
  });

  it.each([
    ['unreachable', 'connection refused', { score: 0, grade: 'F', status: 'critical' }],
    ['refused', 'tut mir leid, schon zu viele Verbindungen', { score: 0, grade: 'F', status: 'critical' }],
    ['refused', 'password authentication failed', { score: null, grade: null, status: 'unknown' }],
    ['unsupported', 'PostgreSQL 9.6', { score: null, grade: null, status: 'unknown' }],
    ['connecting', null, { score: null, grade: null, status: 'unknown' }],
    ['standby-daemon', null, { score: null, grade: null, status: 'unknown' }],
  ] as const)('judges nothing but the connection when it is %s (%s)', (connection, message, expected) => {
    const noConnectionLeft = message === 'tut mir leid, schon zu viele Verbindungen';
    const report = healthReport({ ...base, status: { ...base.status, connection, message, noConnectionLeft } });
    expect(report).toMatchObject(expected);
    expect(report.checks.filter(({ id, status }) => id !== 'reachable' && status !== 'unknown')).toEqual([]);
    expect(verdicts(report)).toHaveLength(1);
  });

  it('gives the reason for what is not known, and what would change it', () => {
    const skipped = [
      { subject: 'sequences', reason: '3 may not be read by this role', fix: 'GRANT pg_read_all_data TO pitcrew' },
    ];
    const input = { ...base, sequences: undefined, status: { ...base.status, skipped } };
    expect(healthReport(input).checks.find(({ id }) => id === 'sequences')).toMatchObject({
      status: 'unknown',
      message: 'The sequences could not be read: 3 may not be read by this role',
      advice: 'GRANT pg_read_all_data TO pitcrew',
    });
  });

  it.each([
    [100, 'A'],
    [90, 'A'],
    [89, 'B'],
    [80, 'B'],
    [79, 'C'],
    [70, 'C'],
    [69, 'D'],
    [60, 'D'],
    [59, 'F'],
    [0, 'F'],
  ])('grades %i with %s', (score, grade) => expect(gradeOf(score)).toBe(grade));
});

describe('verdicts', () => {
  it('says what is wrong first, then what could not be told, then what is fine', () => {
    const input = {
      ...withCounters(withSessions(base, ...sessions(96)), 'recent', { 'database.rollbacks': 300 }),
      hostIsLocal: false,
      tables: [table('Order Lines', { deadRows: 90_000, lastAutovacuum: null })],
    };
    const found = verdicts(healthReport(input));
    expect(found.slice(0, 6).map(({ status, text }) => `${status}: ${text}`)).toMatchInlineSnapshot(`
      [
        "critical: 96 of 100 connections are in use, 3 more are reserved",
        "warning: public."Order Lines" has 90,000 dead rows (47 %), never vacuumed",
        "warning: 2.9 % of 10,300 transactions were rolled back in the last 5 minutes",
        "unknown: Disk, Memory and CPU: The database runs on another machine, which cannot be seen from here",
        "ok: The database answers",
        "ok: Transaction ids are 4.7 % of the way to wraparound",
      ]
    `);
    const order = found.map(({ status }) => ['critical', 'warning', 'unknown', 'ok'].indexOf(status));
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  it('says in one sentence what is not known for one reason', () => {
    const report = healthReport({ ...base, status: { ...base.status, collectors: stale(base, 'activity') } });
    expect(
      verdicts(report)
        .filter(({ status }) => status === 'unknown')
        .map(({ text }) => text),
    ).toMatchInlineSnapshot(`
      [
        "Connections, Blocked sessions, Idle in transaction and 1 more: The sessions were last read 60 min ago",
      ]
    `);
  });
});

describe('what was watched too short', () => {
  const counted = (seconds: number) => new Map([['database.blocks_hit', { increase: 50_000, seconds }]]);
  const input = (seconds: number, once: boolean) => ({
    ...base,
    once,
    window: {
      ...base.window,
      recent: new Map([...counted(seconds), ['database.blocks_read', { increase: 0, seconds }]]),
      hour: counted(seconds),
    },
  });
  const cache = (seconds: number, once: boolean) =>
    healthReport(input(seconds, once)).checks.find(({ id }) => id === 'cache-hits');

  it('is unknown, in a sentence', () => {
    expect(cache(2, false)).toMatchObject({
      status: 'unknown',
      message: 'Too little was read in 2 seconds to judge the buffer cache',
    });
  });

  it('is told in one verdict with what else was watched too short', () => {
    const report = healthReport({ ...input(2, false), tables: undefined });
    const soon = verdicts(report).filter(({ advice }) => advice?.includes('half a minute'));
    expect(soon.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^Too little has been read yet to judge mean statement time, .* and \d+ more$/),
    ]);
  });

  it('is judged by one who looks once and goes', () => {
    expect(cache(2, true)).toMatchObject({ status: 'ok' });
  });
});

describe('docs/health.md', () => {
  it('has the table of the checks as they are', () => {
    const text = readFileSync(new URL('../../../../docs/health.md', import.meta.url), 'utf8');
    const shown = /<!-- checks:begin -->\n([\s\S]*?)<!-- checks:end -->/.exec(text)?.[1]?.trim();
    expect(shown, 'put the output of healthDocs() between the markers of docs/health.md').toBe(healthDocs());
  });

  it('has checks with stable, different ids and weights', () => {
    expect(new Set(checks.map(({ id }) => id)).size).toBe(checks.length);
    for (const { id, weight, cap } of checks) {
      expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
      expect(weight).toBeGreaterThan(0);
      expect([null, 0, 59, 69]).toContain(cap);
    }
  });
});
