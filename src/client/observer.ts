import type { StatementDescription } from '../sql/description.ts';

/** Which part of the topology did something. */
export type EndpointRole = 'primary' | 'replica' | 'analytics';

/** How a statement of the application ended. Times in ms. */
export interface StatementOutcome {
  /** `undefined` for submittables (cursors, query streams) whose text is not known. */
  description: StatementDescription | undefined;
  text: string;
  values: readonly unknown[] | undefined;
  /** From the call until it was sent: waiting for a connection, or for its turn. */
  queuedMs: number;
  /** From the call until its result was there. */
  durationMs: number;
  /** Rows returned or changed; 0 when it failed. */
  rows: number;
  error: Error | undefined;
  /** `host:port` */
  endpoint: string;
  role: EndpointRole;
  /** It shared a pipelined connection. */
  lane: boolean;
}

/** How a wait for a connection ended. */
export interface AcquireOutcome {
  endpoint: string;
  role: EndpointRole;
  waitedMs: number;
  /** `E_POOL_TIMEOUT` and the like. */
  error: Error | undefined;
}

/**
 * What the pool tells of its work. Every method is optional, is called in the hot path and must neither throw nor wait.
 * Telemetry is one such observer; the pool knows nothing of what it does.
 */
export interface PoolObserver {
  /**
   * In the caller's own stack and asynchronous context, before the statement is queued. What it returns is handed to
   * `statementEnded`.
   */
  statementStarted?(description: StatementDescription | undefined, text: string): unknown;
  statementEnded?(started: unknown, outcome: StatementOutcome): void;
  acquired?(outcome: AcquireOutcome): void;
  /** A connection of its own came back from the caller that had it for so long. */
  released?(endpoint: string, role: EndpointRole, heldMs: number): void;
  /** A connection was opened (`error` undefined), could not be opened, or was closed. */
  connectionOpened?(endpoint: string, tookMs: number, error: Error | undefined): void;
  connectionClosed?(endpoint: string, reason: string): void;
  /** Something that a person should know: a leak, a pool that is exhausted or waits for itself, two primaries, a failover. */
  warned?(warning: PoolWarning): void;
}

export interface PoolWarning {
  code:
    | 'leak'
    | 'exhausted'
    | 'pool-deadlock'
    | 'open-transaction'
    | 'failover'
    | 'two-primaries'
    | 'replica-out'
    | 'replica-back';
  message: string;
  detail: string | undefined;
}
