import type {
  CollectorName,
  CollectorState,
  LatestMetric,
  Session,
  SettingState,
  TableState,
} from '../../src/ops/monitor/types.ts';
import type { HealthInput, WindowSum } from '../../src/ops/monitor/health/index.ts';

/** The moment at which the examples are judged. */
export const now = new Date('2026-03-01T12:00:00Z');

export const ago = (seconds: number): Date => new Date(now.getTime() - seconds * 1000);

export function metric(name: string, value: number, labels: Record<string, string> = {}): [string, LatestMetric] {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
  const key = pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`;
  return [key, { name, labels, kind: 'gauge', value, total: value, at: now }];
}

export function setting(name: string, value: string, more: Partial<SettingState> = {}): SettingState {
  return {
    name,
    value,
    unit: null,
    category: 'Example',
    description: 'An example.',
    source: 'default',
    isDefault: true,
    pendingRestart: false,
    ...more,
  };
}

export function session(pid: number, more: Partial<Session> = {}): Session {
  return {
    pid,
    database: 'shop',
    user: 'app',
    application: 'web',
    client: '10.0.0.1',
    backendType: 'client backend',
    state: 'idle',
    waitType: null,
    waitEvent: null,
    queryId: null,
    query: '',
    backendStart: ago(3600),
    transactionStart: null,
    queryStart: null,
    stateChange: ago(1),
    blockedBy: [],
    waitsFor: null,
    own: false,
    ...more,
  };
}

export const sessions = (count: number): Session[] => Array.from({ length: count }, (_, at) => session(at + 1));

export function table(name: string, more: Partial<TableState> = {}): TableState {
  return {
    oid: 1,
    schema: 'public',
    name,
    kind: 'table',
    estimatedRows: 100_000,
    liveRows: 100_000,
    deadRows: 0,
    heapBytes: 1e7,
    indexBytes: 1e6,
    toastBytes: 0,
    lastVacuum: null,
    lastAutovacuum: ago(3600),
    lastAnalyze: null,
    lastAutoanalyze: ago(3600),
    seqScans: 0,
    indexScans: 0,
    modifiedSinceAnalyze: 0,
    frozenXidAge: 1000,
    ...more,
  };
}

/** Increases over the whole of a span. */
function increases(seconds: number, values: Record<string, number>): Map<string, WindowSum> {
  return new Map(Object.entries(values).map(([name, increase]) => [name, { increase, seconds }]));
}

const recent = {
  'statements.calls': 10_000,
  'statements.exec_seconds': 20,
  'statements.slow_calls': 0,
  'database.commits': 10_000,
  'database.rollbacks': 0,
  'database.blocks_hit': 995_000,
  'database.blocks_read': 5000,
  'database.temp_bytes': 0,
  'database.temp_files': 0,
  'wal.archived': 5,
  'wal.archive_failures': 0,
};

const hour = {
  ...recent,
  'database.deadlocks': 0,
  'checkpoints.timed': 12,
  'checkpoints.requested': 0,
  'statements.evictions': 0,
};

export const names: CollectorName[] = ['activity', 'statements', 'instance', 'tables', 'slow'];

export function collector(name: CollectorName, more: Partial<CollectorState> = {}): CollectorState {
  return {
    name,
    state: 'ok',
    cadenceMs: 10_000,
    lastRun: ago(1),
    lastSuccess: ago(1),
    lastDurationMs: 5,
    runs: 100,
    failures: 0,
    message: null,
    nextRun: null,
    ...more,
  };
}

/** A primary with a replica, an archive and slots, of which everything is known and fine. */
export function healthy(): HealthInput {
  return {
    now,
    status: {
      database: 'shop',
      targetId: 1,
      connection: 'watching',
      since: ago(7200),
      message: null,
      hint: null,
      noConnectionLeft: false,
      address: 'db.example.com:5432/shop',
      server: {
        version: '18.4',
        versionNumber: 180_004,
        flavour: 'postgresql',
        pooled: false,
        isStandby: false,
        startedAt: ago(86_400),
        systemIdentifier: '1',
        timeline: 1,
        maxConnections: 103,
        reservedConnections: 3,
        blockSize: 8192,
        cpus: 4,
        database: 'shop',
        user: 'pitcrew',
        statementsVersion: '1.12',
        statementsMax: 5000,
      },
      collectors: names.map((name) => collector(name)),
      skipped: [],
      ownCost: null,
    },
    latest: new Map([
      metric('replication.replicas', 1),
      metric('replication.replay_lag_seconds', 0.01, { replica: 'r1' }),
      metric('replication.replay_lag_bytes', 1000, { replica: 'r1' }),
      metric('database.xid_age', 1e8),
      metric('database.mxid_age', 1e6),
      metric('prepared_transactions.count', 0),
      metric('host.load_1m', 0.5),
      metric('host.disk_used_bytes', 30e9, { path: '/data' }),
      metric('host.disk_total_bytes', 100e9, { path: '/data' }),
    ]),
    window: {
      recent: increases(290, recent),
      hour: increases(3590, hour),
      gauges: new Map([
        ['host.cpu_ratio', { mean: 0.3, samples: 30 }],
        ['host.memory_used_bytes', { mean: 4e9, samples: 30 }],
        ['host.memory_total_bytes', { mean: 16e9, samples: 30 }],
      ]),
      largeTables: [{ schema: 'public', name: 'orders', liveRows: 100_000, seqScans: 1, indexScans: 999 }],
      tableSeconds: 880,
      lostReplicas: [],
    },
    activity: { at: now, sessions: sessions(12), byState: { idle: 12 }, byWait: {} },
    tables: [table('orders'), table('customers')],
    settings: [
      setting('fsync', 'on'),
      setting('autovacuum', 'on'),
      setting('archive_mode', 'on'),
      setting('shared_buffers', '16384', { unit: '8kB' }),
      setting('max_wal_size', '1024', { unit: 'MB' }),
      setting('max_slot_wal_keep_size', '-1', { unit: 'MB' }),
      setting('work_mem', '4096', { unit: 'kB' }),
    ],
    slots: [{ slot: 'r1', active: true, temporary: false, walStatus: 'reserved', retainedBytes: 16_777_216 }],
    sequences: [
      {
        schema: 'public',
        name: 'orders_id_seq',
        used: 0.01,
        cycles: false,
        ownedBy: 'public.orders.id',
        narrowColumn: null,
      },
    ],
    invalidIndexes: [],
    walReceiver: undefined,
    checksumFailures: 0,
    backups: {
      maxBackupAgeMs: 26 * 3_600_000,
      maxLogLagMs: 600_000,
      scheduled: true,
      streams: true,
      drills: true,
      unprovable: null,
      running: false,
      latestBackupAt: ago(3600),
      repositories: [{ name: '/srv/backups', error: null }],
      behind: [],
      failed: [],
      drill: { at: ago(3000), ok: true, message: '', readyMs: 41_000 },
      stream: { state: 'streaming', since: ago(7200), slot: 'pitcrew_shop', lagMs: 2000, error: null, gap: null },
    },
    once: false,
    hostIsLocal: true,
  };
}

export function withServer(
  input: HealthInput,
  more: Partial<NonNullable<HealthInput['status']['server']>>,
): HealthInput {
  const { server } = input.status;
  return server ? { ...input, status: { ...input.status, server: { ...server, ...more } } } : input;
}

export function withLatest(input: HealthInput, ...entries: [string, LatestMetric][]): HealthInput {
  return { ...input, latest: new Map([...input.latest, ...entries]) };
}

export function withCounters(input: HealthInput, span: 'recent' | 'hour', values: Record<string, number>): HealthInput {
  const seconds = span === 'recent' ? 290 : 3590;
  const sums = new Map([...input.window[span], ...increases(seconds, values)]);
  return { ...input, window: { ...input.window, [span]: sums } };
}

export function withSettings(input: HealthInput, ...changed: SettingState[]): HealthInput {
  const kept = (input.settings ?? []).filter(({ name }) => !changed.some((other) => other.name === name));
  return { ...input, settings: [...kept, ...changed] };
}

export function withSessions(input: HealthInput, ...list: Session[]): HealthInput {
  return { ...input, activity: { at: now, sessions: list, byState: {}, byWait: {} } };
}
