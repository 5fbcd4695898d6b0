import { type CheckDefinition, graded } from '../check.ts';
import { latestValue, notRead } from '../reading.ts';
import { count } from '../words.ts';

export const connections: CheckDefinition = {
  id: 'connections',
  title: 'Connections',
  weight: 10,
  cap: 59,
  thresholds: 'warning from 80 %, critical from 95 % of `max_connections` less the reserved ones',
  source: '`pg_stat_activity`, `max_connections`, `superuser_reserved_connections`, `reserved_connections`',
  collector: 'activity',
  judge(input) {
    const used = latestValue(input, 'sessions.total');
    const server = input.status.server;
    if (used === undefined || !server) return notRead(input, 'The sessions', ['activity', 'session']);
    const usable = server.maxConnections - server.reservedConnections;
    const byState = input.activity?.byState ?? {};
    const idle = byState['idle'] ?? null;
    const reserved = server.reservedConnections > 0 ? `, ${count(server.reservedConnections)} more are reserved` : '';
    const message = `${count(used)} of ${count(usable)} connections are in use${reserved}`;
    return graded(
      used / usable,
      { warning: 0.8, critical: 0.95 },
      {
        fine: message,
        evidence: { used, usable, maxConnections: server.maxConnections, reserved: server.reservedConnections, idle },
        problem: {
          message: idle ? `${message}; ${count(idle)} are idle` : message,
          advice:
            'Use a connection pool with fewer connections per process and close idle ones (idle_session_timeout); ' +
            'raise max_connections, which needs a restart, only when the connections are busy.',
        },
      },
    );
  },
};
