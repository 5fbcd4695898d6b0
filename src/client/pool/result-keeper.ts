import type pg from 'pg';
import type { StatementDescription } from '../../sql/index.ts';
import type { Call } from './call.ts';

/** An answer that is not there yet. */
export interface PendingResult {
  readonly promise: Promise<pg.QueryResult>;
  /** The caller does not wait for it any more. */
  leave(): void;
}

/** What the statements on one lent connection have changed. */
export interface LentWrites {
  /** A statement is sent that may change something. */
  sent(description: StatementDescription | undefined): void;
  /** Nothing of it can be undone any more: the transaction has ended, or there was none. */
  ended(): void;
}

/** What a keeper has of the pool that asks it. */
export interface KeeperHost {
  /** Resolves when statements can be run. */
  readonly ready: Promise<unknown>;
  /** Type parsers of all connections. */
  readonly types: pg.CustomTypesConfig | undefined;
  /** Runs a statement on the primary, as if nothing were kept. */
  run(call: Call): Promise<pg.QueryResult>;
  /** How to connect to the primary as it is now. */
  primaryConnection(): Promise<pg.ClientConfig>;
}

/**
 * Answers statements from results that were kept. The query cache is one; the pool knows nothing of how it does so. Its methods are
 * called in the hot path and must not throw.
 */
export interface ResultKeeper {
  /** Called once, when the pool is made. */
  start(host: KeeperHost): void;
  /** Called when the pool ends, before connections are closed. */
  end(): Promise<void>;
  /**
   * The result, now or later; `undefined` when the statement is to run as if nothing were kept.
   * @param scope the caller's request, where there is one
   * @param run runs a statement as if nothing were kept
   */
  answer(
    call: Call,
    scope: object | undefined,
    run: (call: Call) => Promise<pg.QueryResult>,
  ): pg.QueryResult | PendingResult | undefined;
  /** A statement that may have changed something was answered, or failed, and was no part of a transaction. */
  wrote(description: StatementDescription | undefined): void;
  /** Follows what is written on a connection that is lent. */
  lent(): LentWrites;
  /** From now on the caller's request, or everyone outside of one, must see all that was committed by now. */
  seesAllUntilNow(scope: object | undefined): void;
}

export function isPending(answer: pg.QueryResult | PendingResult): answer is PendingResult {
  return 'promise' in answer;
}
