import type { DatabaseMonitor, HealthCheck, LatestMetric, MonitorEvent, Session } from '../../src/ops/monitor/types.ts';
import type { AppContext, Logger } from '../../src/server/index.ts';

/** A monitor that shows given data and lets the test send its events: for what the HTTP side does by itself. */
export interface PlainMonitor extends DatabaseMonitor {
  emit(event: MonitorEvent): void;
  listeners(): number;
}

const since = new Date('2026-03-01T12:00:00Z');

function plainCheck(change: Partial<HealthCheck> = {}): HealthCheck {
  return {
    id: 'connections',
    title: 'Connections',
    status: 'ok',
    message: '10 of 100 connections are in use',
    weight: 10,
    pointsLost: 0,
    evidence: { used: 10, max: 100 },
    advice: null,
    ...change,
  };
}

export function plainSession(pid: number, change: Partial<Session> = {}): Session {
  return {
    pid,
    database: 'shop',
    user: 'app',
    application: 'web',
    client: '10.0.0.7',
    backendType: 'client backend',
    state: 'active',
    waitType: null,
    waitEvent: null,
    queryId: '-4611686018427387905',
    query: 'SELECT 1',
    backendStart: since,
    transactionStart: since,
    queryStart: since,
    stateChange: since,
    blockedBy: [],
    waitsFor: null,
    own: false,
    ...change,
  };
}

export function plainMonitor(name: string, change: Partial<DatabaseMonitor> = {}): PlainMonitor {
  const listeners = new Set<(event: MonitorEvent) => void>();
  return {
    name,
    targetId: 1,
    status: () => ({
      database: name,
      targetId: 1,
      connection: 'watching',
      since,
      message: null,
      hint: null,
      noConnectionLeft: false,
      address: 'localhost:5432/shop',
      server: null,
      collectors: [],
      skipped: [],
      ownCost: null,
    }),
    activity: () => undefined,
    latest: () => new Map<string, LatestMetric>(),
    tables: () => [],
    settings: () => [],
    health: () => ({ at: since, status: 'healthy', score: 97, grade: 'A', known: 1, checks: [plainCheck()] }),
    explain: () => Promise.reject(new Error('not given')),
    topStatements: () => Promise.resolve({ since: null, seconds: null, statements: [] }),
    columns: () => Promise.resolve([]),
    cancelSession: () => Promise.resolve(true),
    terminateSession: () => Promise.resolve(true),
    resetStatements: () => Promise.resolve(),
    collectNow: () => Promise.resolve(),
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    announce: (event) => listeners.forEach((listener) => listener(event)),
    stop: () => Promise.resolve(),
    emit: (event) => listeners.forEach((listener) => listener(event)),
    listeners: () => listeners.size,
    ...change,
  };
}

/** A logger that keeps what it is told. */
export function keepingLogger(): Logger & { lines: { level: string; fields: object; message: string | undefined }[] } {
  const lines: { level: string; fields: object; message: string | undefined }[] = [];
  const log = (level: string) => (fields: object, message?: string) => void lines.push({ level, fields, message });
  return { lines, debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

/** A context as the daemon gives it, without a store. */
export function plainContext(change: Partial<AppContext> = {}): AppContext {
  return {
    monitors: [plainMonitor('main')],
    store: undefined,
    config: {
      server: { host: '127.0.0.1', port: 0 },
      monitor: {
        cadence: { activity: 1000, statements: 10_000, instance: 10_000, tables: 60_000, slow: 600_000 },
        statementTimeout: 5000,
        lockTimeout: 100,
        slowStatement: 500,
        plans: false,
        topStatements: 20,
      },
      actions: { sessions: false, resetStatistics: false, cache: false, advice: false, backups: false },
    },
    version: '0.1.0',
    logger: keepingLogger(),
    ...change,
  };
}
