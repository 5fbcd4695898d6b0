import type pg from 'pg';
import type { EndpointRole } from '../observer.ts';
import type { SizeReport } from './connections/sizing.ts';
import type { SlowGateReport } from './statements/slow-gate.ts';
import type { Statement } from './statements/statement.ts';

/** What an endpoint tells the pool that it belongs to. */
export interface EndpointHost {
  /** Runs the application's hooks for a new connection. */
  connected(client: pg.PoolClient): Promise<void>;
  /** There are such hooks. */
  hasHooks(): boolean;
  closed(client: pg.PoolClient): void;
  idleError(error: Error, client: pg.PoolClient): void;
  /** The connection failed, or the server is no primary: true when the statement may find another one. */
  failed(error: unknown): boolean;
  /** Nothing has happened of this statement: it is to be sent again, wherever it belongs now. */
  again(statement: Statement): void;
}

/** Numbers of one endpoint. Times in ms. */
export interface EndpointStats {
  endpoint: string;
  role: EndpointRole;
  open: number;
  opening: number;
  idle: number;
  /** Shared connections, and the statements under way on them. */
  lanes: number;
  laneStatements: number;
  waiting: number;
  max: number;
  size: SizeReport;
  /** How slow statements are kept from holding up quick ones. */
  slow: SlowGateReport;
}
