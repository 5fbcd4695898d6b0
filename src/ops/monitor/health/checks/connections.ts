import { type CheckDefinition, graded } from '../check.ts';
import { clientSessions, notRead } from '../reading.ts';
import { count } from '../../../words/index.ts';

export const connections: CheckDefinition = {
  id: 'connections',
  title: 'Connections',
  weight: 10,
  cap: 59,
  thresholds: 'warning from 80 %, critical from 95 % of `max_connections` less the reserved ones',
  source: '`pg_stat_activity`, `max_connections`, `superuser_reserved_connections`, `reserved_connections`',
  collector: 'activity',
  judge(input) {
    const { activity } = input;
    const { server } = input.status;
    if (!activity || !server) return notRead(input, 'The sessions', ['activity']);
    // Ours count too: they take a place as any other.
    const used = clientSessions(input).length;
    const usable = server.maxConnections - server.reservedConnections;
    const idle = activity.byState['idle'] ?? null;
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
