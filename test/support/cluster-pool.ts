import type { PoolWarning, StatementOutcome } from '../../src/client/observer.ts';
import { Pool, type PoolOptions } from '../../src/client/pool/index.ts';
import type { Replicated } from './replicated.ts';

/** A server as the pool names it. */
export const named = ({ port }: { port: number }): string => `127.0.0.1:${port}`;

/** A pool, and what it has told its observer. */
export type ClusterPool = Pool & { outcomes: StatementOutcome[]; warnings: PoolWarning[] };

/** A pool on a primary and its replicas. */
export function clusterPool(servers: Replicated, options: PoolOptions = {}): ClusterPool {
  const outcomes: StatementOutcome[] = [];
  const warnings: PoolWarning[] = [];
  const pool = new Pool({
    ...servers.app,
    host: '127.0.0.1',
    hosts: [servers.primary, ...servers.replicas].map(named),
    max: 8,
    observer: {
      statementEnded: (_, outcome) => void outcomes.push(outcome),
      warned: (warning) => void warnings.push(warning),
    },
    ...options,
  });
  return Object.assign(pool, { outcomes, warnings });
}
