import type { CustomTypesConfig, QueryResult } from 'pg';
import type { EndpointRole } from '../../observer.ts';
import type { PrefaceStatement } from './preface.ts';
import type { StatementRecord } from './record.ts';

/** A query's configuration as `pg` takes it, and what Pitcrew adds. */
export interface StatementConfig {
  text: string;
  values?: unknown[] | undefined;
  name?: string | undefined;
  rowMode?: string | undefined;
  types?: CustomTypesConfig | undefined;
  /** Rejects at once when it aborts; a statement that runs on a connection of its own is cancelled on the server too. */
  signal?: AbortSignal | undefined;
  /** As `signal`, after this many milliseconds. */
  query_timeout?: number | undefined;
  binary?: boolean | undefined;
  queryMode?: string | undefined;
  portal?: string | undefined;
  rows?: number | undefined;
}

/** One statement that a caller of the pool waits for. */
export interface Statement {
  /** Where its caller wants it to go. */
  readonly access: 'auto' | 'read' | 'write' | 'analytics';
  /** Whose writes it must see; `undefined` for those of the whole process. */
  readonly scope: object | undefined;
  readonly record: StatementRecord;
  readonly values: unknown[] | undefined;
  /** Where the caller gave more than a text and values. */
  readonly config: StatementConfig | undefined;
  /** What is asked right before it, on the same connection. */
  readonly preface: PrefaceStatement | undefined;
  readonly startedAt: number;
  /** Where it runs, once that is decided. */
  endpoint: { readonly name: string; readonly role: EndpointRole } | undefined;
  /** When it was handed to a connection; 0 until then. */
  sentAt: number;
  /** When its answer was there, where somebody has looked at the clock then; else 0. */
  endedAt: number;
  attempts: number;
  /** The caller has been answered: what comes now is thrown away, and what was not sent is not sent. */
  settled: boolean;
  /** It went through a shared connection. */
  shared: boolean;
  /** Gives up its place in the queue, or stops it on the server where it has its connection to itself. */
  cancel: (() => void) | undefined;
  /** It waits for a connection, perhaps inside a transaction that has one. */
  waiting: { ended(): void } | undefined;
  resolve(result: QueryResult): void;
  reject(error: Error): void;
}

/** More values than the protocol can count. */
const tooManyValues = 65_536;

/** Whether a shared connection can run it: pages of rows keep a portal open, and `pg` itself says what is wrong with values. */
export function suitsLane({ config, values }: Statement): boolean {
  if (values && !(Array.isArray(values) && values.length < tooManyValues)) return false;
  return !config || (!config.rows && !config.portal && !config.binary);
}
