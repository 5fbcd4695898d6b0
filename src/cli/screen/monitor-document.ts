import type { Look } from './look.ts';

/** What `pitcrew monitor --json` says of one database. */
export function monitorDocument({
  name,
  status,
  health,
  latest,
  top,
  tables,
  activity,
}: Look): Record<string, unknown> {
  const { connection, message, hint, address, server, skipped } = status;
  const { at: _at, ...report } = health;
  return {
    database: name,
    address,
    connection,
    message,
    hint,
    server: server && { version: server.version, isStandby: server.isStandby, startedAt: server.startedAt },
    health: report,
    metrics: Object.fromEntries([...latest].map(([key, { value }]) => [key, value])),
    topStatements: top ?? null,
    indexUsage: tables,
    sessions: activity && { byState: activity.byState, byWait: activity.byWait },
    skipped,
  };
}
