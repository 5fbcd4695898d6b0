/** Which sessions may be ended. */
export interface SessionPolicy {
  /** Idle in a transaction for longer than this; `null`: never. An hour by default. */
  idleInTransactionMs: number | null;
  /** Idle for longer than this; `null`, the default: never. */
  idleMs: number | null;
  /** Roles and application names that are left alone, whatever they do. */
  exceptRoles: readonly string[];
  exceptApplications: readonly string[];
}

export const usualSessionPolicy: SessionPolicy = Object.freeze({
  idleInTransactionMs: 3_600_000,
  idleMs: null,
  exceptRoles: [],
  exceptApplications: [],
});

/** A session of the current database that the policy ends. */
export interface StaleSession {
  pid: number;
  user: string;
  application: string;
  client: string | null;
  state: string;
  /** In microseconds since 1970: with the pid it names the session exactly, and so does the change of state what it does. */
  backendStartMicros: number;
  stateChangeMicros: number;
  seconds: number;
  writing: boolean;
}

export interface SessionResult {
  session: StaleSession;
  outcome: 'ended' | 'gone-on' | 'failed';
  reason: string | null;
}
