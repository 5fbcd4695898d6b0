import { describe, expect, it } from 'vitest';
import type { HealthCheck } from '../types.ts';
import { type HealthInput, healthReport } from './index.ts';
import {
  ago,
  healthy,
  metric,
  session,
  sessions,
  setting,
  table,
  withCounters,
  withLatest,
  withServer,
  withSessions,
  withSettings,
} from '../../../../test/support/health-input.ts';

function check(id: string, input: HealthInput): HealthCheck {
  const found = healthReport(input).checks.find((candidate) => candidate.id === id);
  if (!found) throw new Error(`no check ${id}`);
  return found;
}

const base = healthy();
const bare = (input: HealthInput, ...names: string[]): HealthInput => ({
  ...input,
  latest: new Map([...input.latest].filter(([, { name }]) => !names.includes(name))),
});
/** Tables were not watched for long enough to look back on. */
const unwatched = (more: Partial<HealthInput>): HealthInput => ({
  ...base,
  window: { ...base.window, tableSeconds: 0 },
  ...more,
});

const standby = (more: Partial<HealthInput> = {}): HealthInput => ({
  ...withServer(withLatest(base, metric('replication.own_lag_seconds', 0)), { isStandby: true }),
  walReceiver: { status: 'streaming' },
  ...more,
});
const idleFor = (seconds: number): HealthInput =>
  withSessions(
    base,
    session(7, { state: 'idle in transaction', transactionStart: ago(seconds), stateChange: ago(seconds) }),
  );
const openFor = (seconds: number): HealthInput =>
  withSessions(base, session(7, { state: 'active', transactionStart: ago(seconds) }));
const blockedFor = (seconds: number): HealthInput =>
  withSessions(
    base,
    session(7, { state: 'idle in transaction' }),
    session(8, {
      state: 'active',
      blockedBy: [7],
      waitsFor: { mode: 'ShareLock', lockType: 'relation', relation: 'public.orders', since: ago(seconds) },
    }),
  );
const lag = (seconds: number): HealthInput =>
  withLatest(base, metric('replication.replay_lag_seconds', seconds, { replica: 'r1' }));
const slot = (retainedBytes: number | null, walStatus = 'reserved', active = false): HealthInput => ({
  ...base,
  slots: [{ slot: 's1', active, temporary: false, walStatus, retainedBytes }],
});
const sequence = (used: number | null, cycles = false): HealthInput => ({
  ...base,
  sequences: [{ schema: 'public', name: 's', used, cycles, ownedBy: null, narrowColumn: null }],
});
const disk = (used: number): HealthInput => withLatest(base, metric('host.disk_used_bytes', used, { path: '/data' }));
const cpu = (mean: number, samples = 30): HealthInput => ({
  ...base,
  window: { ...base.window, gauges: new Map([...base.window.gauges, ['host.cpu_ratio', { mean, samples }]]) },
});
const memory = (mean: number): HealthInput => ({
  ...base,
  window: {
    ...base.window,
    gauges: new Map([...base.window.gauges, ['host.memory_used_bytes', { mean, samples: 30 }]]),
  },
});
const scans = (seqScans: number, indexScans: number): HealthInput => ({
  ...base,
  window: {
    ...base.window,
    largeTables: [{ schema: 'public', name: 'orders', liveRows: 50_000, seqScans, indexScans }],
  },
});
const gigabyte = 1024 ** 3;

describe('every check', () => {
  it('is fine with a healthy database', () => {
    const report = healthReport(base);
    expect(report.checks.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(report).toMatchObject({ score: 100, grade: 'A', status: 'healthy', known: 1 });
  });

  it.each<[string, HealthCheck['status'], string, HealthInput]>([
    ['connections', 'ok', '79 of 100', withSessions(base, ...sessions(79))],
    ['connections', 'warning', '80 of 100', withSessions(base, ...sessions(80))],
    ['connections', 'warning', '94 of 100', withSessions(base, ...sessions(94))],
    ['connections', 'critical', '95 of 100', withSessions(base, ...sessions(95))],
    ['connections', 'unknown', 'no activity', { ...base, activity: undefined }],
    ['blocked-sessions', 'ok', '4 s', blockedFor(4)],
    ['blocked-sessions', 'warning', '5 s', blockedFor(5)],
    ['blocked-sessions', 'critical', '60 s', blockedFor(60)],
    ['long-transactions', 'ok', '14 min', openFor(14 * 60)],
    ['long-transactions', 'warning', '15 min', openFor(15 * 60)],
    ['long-transactions', 'critical', '4 h', openFor(4 * 3600)],
    ['long-transactions', 'ok', 'idle in it', idleFor(5 * 3600)],
    [
      'long-transactions',
      'unknown',
      'hidden sessions',
      withSessions(base, session(7, { state: null, backendType: 'unknown' })),
    ],
    ['idle-in-transaction', 'ok', '59 s', idleFor(59)],
    ['idle-in-transaction', 'warning', '60 s', idleFor(60)],
    ['idle-in-transaction', 'critical', '1 h', idleFor(3600)],
    [
      'prepared-transactions',
      'ok',
      'young',
      withLatest(base, metric('prepared_transactions.count', 1), metric('prepared_transactions.oldest_seconds', 299)),
    ],
    [
      'prepared-transactions',
      'warning',
      '5 min',
      withLatest(base, metric('prepared_transactions.count', 1), metric('prepared_transactions.oldest_seconds', 300)),
    ],
    [
      'prepared-transactions',
      'critical',
      '1 h',
      withLatest(base, metric('prepared_transactions.count', 1), metric('prepared_transactions.oldest_seconds', 3600)),
    ],
    ['prepared-transactions', 'unknown', 'not read', bare(base, 'prepared_transactions.count')],
    ['statement-statistics', 'warning', 'missing', withServer(base, { statementsVersion: null })],
    ['statement-statistics', 'ok', '9 evictions', withCounters(base, 'hour', { 'statements.evictions': 9 })],
    ['statement-statistics', 'warning', '10 evictions', withCounters(base, 'hour', { 'statements.evictions': 10 })],
    ['mean-statement-time', 'ok', '499 ms', withCounters(base, 'recent', { 'statements.exec_seconds': 4999 })],
    ['mean-statement-time', 'warning', '500 ms', withCounters(base, 'recent', { 'statements.exec_seconds': 5000 })],
    ['mean-statement-time', 'critical', '1 s', withCounters(base, 'recent', { 'statements.exec_seconds': 10_000 })],
    ['mean-statement-time', 'unknown', '19 calls', withCounters(base, 'recent', { 'statements.calls': 19 })],
    ['slow-statements', 'ok', '9.99 %', withCounters(base, 'recent', { 'statements.slow_calls': 999 })],
    ['slow-statements', 'warning', '10 %', withCounters(base, 'recent', { 'statements.slow_calls': 1000 })],
    ['slow-statements', 'critical', '50 %', withCounters(base, 'recent', { 'statements.slow_calls': 5000 })],
    ['rollbacks', 'ok', '0.9 %', withCounters(base, 'recent', { 'database.commits': 991, 'database.rollbacks': 9 })],
    [
      'rollbacks',
      'warning',
      '1 %',
      withCounters(base, 'recent', { 'database.commits': 990, 'database.rollbacks': 10 }),
    ],
    [
      'rollbacks',
      'critical',
      '5 %',
      withCounters(base, 'recent', { 'database.commits': 950, 'database.rollbacks': 50 }),
    ],
    ['rollbacks', 'unknown', 'few', withCounters(base, 'recent', { 'database.commits': 50, 'database.rollbacks': 49 })],
    [
      'rollbacks',
      'ok',
      'few, none failed',
      withCounters(base, 'recent', { 'database.commits': 5, 'database.rollbacks': 0 }),
    ],
    ['deadlocks', 'warning', '1', withCounters(base, 'hour', { 'database.deadlocks': 1 })],
    ['deadlocks', 'critical', '60', withCounters(base, 'hour', { 'database.deadlocks': 60 })],
    [
      'cache-hits',
      'ok',
      '90 %',
      withCounters(base, 'recent', { 'database.blocks_hit': 90_000, 'database.blocks_read': 10_000 }),
    ],
    [
      'cache-hits',
      'warning',
      '89.9 %',
      withCounters(base, 'recent', { 'database.blocks_hit': 89_900, 'database.blocks_read': 10_100 }),
    ],
    [
      'cache-hits',
      'warning',
      '70 %',
      withCounters(base, 'recent', { 'database.blocks_hit': 70_000, 'database.blocks_read': 30_000 }),
    ],
    [
      'cache-hits',
      'critical',
      '69.9 %',
      withCounters(base, 'recent', { 'database.blocks_hit': 69_900, 'database.blocks_read': 30_100 }),
    ],
    [
      'cache-hits',
      'unknown',
      'few blocks',
      withCounters(base, 'recent', { 'database.blocks_hit': 9998, 'database.blocks_read': 1 }),
    ],
    [
      'cache-hits',
      'unknown',
      'just started',
      withServer(withCounters(base, 'recent', { 'database.blocks_hit': 1e4, 'database.blocks_read': 1e4 }), {
        startedAt: ago(599),
      }),
    ],
    ['index-usage', 'ok', '90 %', scans(100, 900)],
    ['index-usage', 'warning', '89.9 %', scans(101, 899)],
    ['index-usage', 'ok', '9 sequential scans', scans(9, 0)],
    ['index-usage', 'unknown', 'not watched', unwatched({ tables: [table('t', { seqScans: 1000, indexScans: 0 })] })],
    [
      'index-usage',
      'warning',
      'looked at once',
      unwatched({ once: true, tables: [table('t', { seqScans: 101, indexScans: 899 })] }),
    ],
    [
      'index-usage',
      'ok',
      'looked at once, a small table',
      unwatched({ once: true, tables: [table('t', { liveRows: 9999, seqScans: 1000, indexScans: 0 })] }),
    ],
    ['index-usage', 'unknown', 'looked at once, not read', unwatched({ once: true, tables: undefined })],
    [
      'temporary-files',
      'ok',
      'under 1 MB/s',
      withCounters(base, 'recent', { 'database.temp_bytes': 290 * 1024 ** 2 - 1 }),
    ],
    ['temporary-files', 'warning', '1 MB/s', withCounters(base, 'recent', { 'database.temp_bytes': 290 * 1024 ** 2 })],
    ['dead-rows', 'ok', 'just under twice', { ...base, tables: [table('t', { deadRows: 40_099 })] }],
    ['dead-rows', 'warning', 'twice', { ...base, tables: [table('t', { deadRows: 40_100 })] }],
    [
      'dead-rows',
      'ok',
      'few rows',
      { ...base, tables: [table('t', { deadRows: 9999, liveRows: 10, estimatedRows: 10 })] },
    ],
    [
      'dead-rows',
      'warning',
      'limit of version 18',
      withSettings(
        { ...base, tables: [table('t', { deadRows: 20_000 })] },
        setting('autovacuum_vacuum_max_threshold', '10000'),
      ),
    ],
    [
      'dead-rows',
      'ok',
      'no limit',
      withSettings(
        { ...base, tables: [table('t', { deadRows: 20_000 })] },
        setting('autovacuum_vacuum_max_threshold', '-1'),
      ),
    ],
    ['dead-rows', 'unknown', 'not read', { ...base, tables: undefined }],
    [
      'planner-statistics',
      'ok',
      'just under twice',
      { ...base, tables: [table('t', { modifiedSinceAnalyze: 20_099 })] },
    ],
    ['planner-statistics', 'warning', 'twice', { ...base, tables: [table('t', { modifiedSinceAnalyze: 20_100 })] }],
    [
      'planner-statistics',
      'warning',
      'never',
      { ...base, tables: [table('t', { estimatedRows: null, liveRows: 10_000 })] },
    ],
    [
      'planner-statistics',
      'ok',
      'never, small',
      { ...base, tables: [table('t', { estimatedRows: null, liveRows: 9999 })] },
    ],
    ['wraparound', 'ok', 'routine', withLatest(base, metric('database.xid_age', 299_999_999))],
    ['wraparound', 'warning', '1.5 × 200 million', withLatest(base, metric('database.xid_age', 300_000_000))],
    ['wraparound', 'critical', '1.6 billion', withLatest(base, metric('database.xid_age', 1_600_000_000))],
    ['wraparound', 'warning', 'multixacts', withLatest(base, metric('database.mxid_age', 600_000_000))],
    [
      'wraparound',
      'ok',
      'a larger setting',
      withSettings(
        withLatest(base, metric('database.xid_age', 7e8)),
        setting('autovacuum_freeze_max_age', '500000000'),
      ),
    ],
    ['sequences', 'ok', '74 %', sequence(0.74)],
    ['sequences', 'warning', '75 %', sequence(0.75)],
    ['sequences', 'critical', '90 %', sequence(0.9)],
    ['sequences', 'ok', 'cycles', sequence(1, true)],
    ['sequences', 'unknown', 'hidden', sequence(null)],
    ['invalid-indexes', 'warning', 'one', { ...base, invalidIndexes: [{ schema: 'public', table: 't', name: 'i' }] }],
    [
      'invalid-indexes',
      'ok',
      'being built',
      {
        ...withSessions(base, session(7, { state: 'active', query: 'CREATE INDEX CONCURRENTLY i ON t (a)' })),
        invalidIndexes: [{ schema: 'public', table: 't', name: 'i' }],
      },
    ],
    ['checkpoints', 'ok', '49 %', withCounters(base, 'hour', { 'checkpoints.timed': 51, 'checkpoints.requested': 49 })],
    [
      'checkpoints',
      'warning',
      '50 %',
      withCounters(base, 'hour', { 'checkpoints.timed': 2, 'checkpoints.requested': 2 }),
    ],
    [
      'checkpoints',
      'unknown',
      'three',
      withCounters(base, 'hour', { 'checkpoints.timed': 0, 'checkpoints.requested': 3 }),
    ],
    [
      'archiving',
      'warning',
      'some fail',
      withCounters(base, 'recent', { 'wal.archive_failures': 1, 'wal.archived': 1 }),
    ],
    [
      'archiving',
      'critical',
      'all fail',
      withCounters(base, 'recent', { 'wal.archive_failures': 1, 'wal.archived': 0 }),
    ],
    ['archiving', 'unknown', 'settings not read', { ...base, settings: undefined }],
    ['replication-lag', 'ok', '4.9 s', lag(4.9)],
    ['replication-lag', 'warning', '5 s', lag(5)],
    ['replication-lag', 'critical', '60 s', lag(60)],
    ['replication-lag', 'unknown', 'not read', bare(base, 'replication.replicas')],
    ['replication-lag', 'ok', 'a standby', standby()],
    ['replication-lag', 'warning', 'a late standby', withLatest(standby(), metric('replication.own_lag_seconds', 5))],
    ['replication-lag', 'critical', 'a standby that receives nothing', standby({ walReceiver: null })],
    [
      'replication-lag',
      'unknown',
      'a standby of which we do not know whether it receives',
      standby({ walReceiver: undefined }),
    ],
    [
      'replication-lag',
      'ok',
      'a standby fed from the archive',
      withSettings(standby({ walReceiver: null }), setting('primary_conninfo', '')),
    ],
    [
      'lost-replicas',
      'warning',
      'one of two',
      { ...base, window: { ...base.window, lostReplicas: [{ name: 'r2', lastSeen: ago(600) }] } },
    ],
    [
      'lost-replicas',
      'critical',
      'the last',
      {
        ...withLatest(base, metric('replication.replicas', 0)),
        window: { ...base.window, lostReplicas: [{ name: 'r1', lastSeen: ago(600) }] },
      },
    ],
    ['recovery-conflicts', 'ok', 'none', withCounters(standby(), 'hour', { 'database.conflicts': 0 })],
    ['recovery-conflicts', 'warning', 'one', withCounters(standby(), 'hour', { 'database.conflicts': 1 })],
    ['replication-slots', 'ok', 'under 1 GB', slot(gigabyte - 1)],
    ['replication-slots', 'warning', '1 GB', slot(gigabyte)],
    ['replication-slots', 'critical', '10 GB', slot(10 * gigabyte)],
    ['replication-slots', 'critical', 'lost', slot(null, 'lost')],
    ['replication-slots', 'critical', 'unreserved', slot(1, 'unreserved', true)],
    [
      'replication-slots',
      'ok',
      '1 GB of a limit of 4',
      withSettings(slot(gigabyte), setting('max_slot_wal_keep_size', '4096', { unit: 'MB' })),
    ],
    [
      'replication-slots',
      'warning',
      '2 GB of a limit of 4',
      withSettings(slot(2 * gigabyte), setting('max_slot_wal_keep_size', '4096', { unit: 'MB' })),
    ],
    ['checksum-failures', 'critical', 'one', { ...base, checksumFailures: 1 }],
    ['checksum-failures', 'unknown', 'off', { ...base, checksumFailures: null }],
    ['disk', 'ok', '79 %', disk(79e9)],
    ['disk', 'warning', '80 %', disk(80e9)],
    ['disk', 'critical', '95 %', disk(95e9)],
    ['disk', 'unknown', 'elsewhere', { ...base, hostIsLocal: false }],
    ['memory', 'ok', '79 %', memory(12.7e9)],
    ['memory', 'warning', '80 %', memory(12.8e9)],
    ['memory', 'critical', '95 %', memory(15.2e9)],
    ['cpu', 'ok', '79 %', cpu(0.79)],
    ['cpu', 'warning', '80 %', cpu(0.8)],
    ['cpu', 'critical', '95 %', cpu(0.95)],
    ['cpu', 'unknown', 'two samples', cpu(1, 2)],
    ['dangerous-settings', 'critical', 'fsync', withSettings(base, setting('fsync', 'off'))],
    ['dangerous-settings', 'warning', 'full_page_writes', withSettings(base, setting('full_page_writes', 'off'))],
    [
      'dangerous-settings',
      'ok',
      'only in our session',
      withSettings(base, setting('enable_seqscan', 'off', { source: 'session' })),
    ],
    ['pending-restart', 'warning', 'one', withSettings(base, setting('shared_buffers', '1', { pendingRestart: true }))],
  ])('%s is %s with %s', (id, status, _case, input) => {
    const found = check(id, input);
    expect(found.status).toBe(status);
    expect(found.message).toMatch(/^\S.*[^.\s]$/);
    expect(found.pointsLost > 0).toBe(status === 'warning' || status === 'critical');
    if (status === 'warning' || status === 'critical') expect(found.advice).toMatch(/\S/);
    if (status === 'ok') expect(found.advice).toBeNull();
  });

  it.each([
    ['replication-lag', withLatest(base, metric('replication.replicas', 0))],
    ['lost-replicas', withLatest(base, metric('replication.replicas', 0))],
    ['replication-slots', { ...base, slots: [] }],
    ['archiving', withSettings(base, setting('archive_mode', 'off'))],
    ['recovery-conflicts', base],
    ['sequences', { ...base, sequences: [] }],
    ['wraparound', standby()],
    ['dead-rows', standby()],
    ['checkpoints', standby()],
    ['archiving', standby()],
  ])('%s does not count where there is nothing to judge', (id, input) => {
    expect(check(id, input)).toMatchObject({ status: 'ok', weight: 0, pointsLost: 0 });
  });

  it('names the column that is full before its sequence ends, and what to widen', () => {
    const narrowColumn = { name: 'public.orders.id', type: 'integer' };
    const [found] = base.sequences ?? [];
    if (!found) throw new Error('there is a sequence in what is healthy');
    expect(check('sequences', { ...base, sequences: [{ ...found, used: 0.8, narrowColumn }] })).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('has used 80 % of the values that public.orders.id (integer) can hold'),
      advice: expect.stringMatching(/^Change public.orders.id to bigint, as the sequence is/),
    });
  });

  it('names the session at the root of a chain of waiting ones, also when they wait in a circle', () => {
    const waits = { mode: 'ShareLock', lockType: 'transactionid', relation: null, since: ago(30) };
    const chain = withSessions(
      base,
      session(1, { state: 'idle in transaction' }),
      session(2, { blockedBy: [1], waitsFor: { ...waits, since: ago(10) } }),
      session(3, { blockedBy: [2], waitsFor: waits }),
    );
    expect(check('blocked-sessions', chain).evidence).toMatchObject({ blockedPid: 3, blockingPid: 1, blocked: 2 });
    expect(check('blocked-sessions', chain).advice).toContain('pg_terminate_backend(1)');
    const circle = withSessions(
      base,
      session(2, { blockedBy: [3], waitsFor: waits }),
      session(3, { blockedBy: [2], waitsFor: waits }),
    );
    expect(check('blocked-sessions', circle)).toMatchObject({ status: 'warning', evidence: { blocked: 2 } });
  });

  it('costs more the further it is beyond its threshold', () => {
    const lost = [80, 85, 90, 94, 95, 100].map(
      (used) => check('connections', withSessions(base, ...sessions(used))).pointsLost,
    );
    expect(lost).toEqual(lost.toSorted((a, b) => a - b));
    expect(lost[0]).toBe(2.5);
    expect(lost.at(-1)).toBe(10);
  });
});
