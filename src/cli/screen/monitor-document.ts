import type { DatabaseMonitor } from '../../ops/monitor/index.ts';

/** What `pitcrew monitor --json` says of one database. */
export function monitorDocument(monitor: DatabaseMonitor): Record<string, unknown> {
  const { connection, message, hint, address, server, skipped } = monitor.status();
  const { at: _at, ...health } = monitor.health();
  const activity = monitor.activity();
  return {
    database: monitor.name,
    address,
    connection,
    message,
    hint,
    server: server && { version: server.version, isStandby: server.isStandby, startedAt: server.startedAt },
    health,
    metrics: Object.fromEntries([...monitor.latest()].map(([key, { value }]) => [key, value])),
    sessions: activity && { byState: activity.byState, byWait: activity.byWait },
    skipped,
  };
}
