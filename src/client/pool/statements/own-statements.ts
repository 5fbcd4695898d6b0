import type { OwnConnection } from '../connections/connection.ts';
import { leavesTraces } from '../connections/session-reset.ts';
import type { Waiter } from '../connections/waiters.ts';
import { backendPid, isInTransaction } from '../driver.ts';
import { isConnectionLost } from '../failures.ts';
import type { Holders } from '../holders/index.ts';
import { runAlone } from './own-run.ts';
import type { StatementRecord } from './record.ts';
import { type Leave, SlowGate, type SlowGateReport } from './slow-gate.ts';
import type { Statement } from './statement.ts';

/** What is asked of the endpoint whose connections these statements have. */
export interface OwnStatementsHost {
  readonly holders: Holders;
  /** Queues for a connection; gives what leaves the queue. */
  acquire(waiter: Waiter<OwnConnection>): () => void;
  release(connection: OwnConnection, reason: string | undefined, changed: boolean): void;
  /** Takes a waiter out of the queue; false when it is not in it any more. */
  withdraw(waiter: Waiter<OwnConnection>): boolean;
  /** The server is the wrong one for this statement: why its session is not kept. */
  refusal(error: Error): string | undefined;
  /** No connection could be had. */
  refused(statement: Statement, error: Error): void;
  /** It is to be sent again, wherever it belongs now. */
  again(statement: Statement): void;
  /** It was answered after so many ms, and its connection is free again. */
  answered(record: StatementRecord, tookMs: number): void;
  failed(statement: Statement, error: Error, lost: boolean): void;
}

interface StatementWaiter extends Waiter<OwnConnection> {
  readonly statement: Statement;
  /** Tells that it runs no more, or goes elsewhere. */
  readonly left: Leave | undefined;
}

/** Statements that have a connection to themselves while they run: unknown and slow ones, and those that need their session. */
export class OwnStatements {
  readonly #laneLimitMs: number;
  readonly #host: OwnStatementsHost;
  readonly #slow: SlowGate;

  /**
   * @param most connections
   * @param laneLimitMs what a quick statement may take
   * @param timeoutMs how long one may wait for its turn; 0 for ever
   */
  constructor(most: number, laneLimitMs: number, timeoutMs: number, host: OwnStatementsHost) {
    this.#laneLimitMs = laneLimitMs;
    this.#host = host;
    this.#slow = new SlowGate(most, laneLimitMs, timeoutMs);
  }

  /** Slow ones that wait for their turn; those that wait for a connection are the endpoint's. */
  get waitingCount(): number {
    return this.#slow.waitingCount;
  }

  get slow(): SlowGateReport {
    return this.#slow.report();
  }

  run(statement: Statement): void {
    if (!statement.record.isSlow(this.#laneLimitMs)) {
      this.#queue(statement, undefined);
      return;
    }
    const waiter: Waiter<Leave> = {
      since: waitsSince(statement),
      granted: (leave) => {
        if (statement.settled) leave();
        else this.#queue(statement, leave);
      },
      refused: (error) => statement.reject(error),
      moved: () => this.#host.again(statement),
    };
    statement.cancel = () => this.#slow.withdraw(waiter);
    this.#slow.enter(waiter);
  }

  /** Takes what the server needed for a statement that only reads, when that is usually quick. */
  observe(record: StatementRecord, serviceMs: number): void {
    if (record.isQuick(this.#laneLimitMs)) this.#slow.answered(serviceMs);
  }

  moveWaiters(): void {
    this.#slow.moveWaiters();
  }

  /** Takes a statement out of the queue for connections, if that is what waits there; `undefined` when it is not to be had. */
  withdraw(waiter: Waiter<OwnConnection>, isWanted: (statement: Statement) => boolean): Statement | undefined {
    const { statement, left } = waiter as Partial<StatementWaiter>;
    if (!statement || !isWanted(statement) || !this.#host.withdraw(waiter)) return undefined;
    left?.();
    return statement;
  }

  #queue(statement: Statement, left: Leave | undefined): void {
    const waiter: StatementWaiter = {
      since: waitsSince(statement),
      statement,
      left,
      granted: (connection) => {
        if (!statement.settled) {
          this.#execute(statement, connection, left);
          return;
        }
        left?.();
        this.#host.release(connection, undefined, false);
      },
      refused: (error) => {
        left?.();
        this.#host.refused(statement, error);
      },
      moved: () => {
        left?.();
        this.#host.again(statement);
      },
    };
    let giveUp: (() => void) | undefined;
    statement.cancel = () => {
      giveUp?.();
      left?.();
    };
    giveUp = this.#host.acquire(waiter);
  }

  #execute(statement: Statement, connection: OwnConnection, left: Leave | undefined): void {
    const { holders } = this.#host;
    const { client } = connection;
    const { record } = statement;
    statement.waiting?.ended();
    statement.attempts += 1;
    const holder = holders.taken({ kind: 'statement', pid: backendPid(client) ?? undefined });
    holders.note(holder, record.text);
    runAlone(statement, client, (error, result) => {
      holders.released(holder);
      left?.();
      const lost = error !== undefined && isConnectionLost(error, client);
      const reason = lost ? 'lost' : error && this.#host.refusal(error);
      // A transaction that it left open would be the next caller's.
      const open = isInTransaction(client) ? 'left in a transaction' : undefined;
      const tookMs = performance.now() - statement.sentAt;
      this.#host.release(connection, reason ?? open, leavesTraces(record.description));
      if (error) {
        this.#host.failed(statement, error, lost);
        return;
      }
      statement.resolve(result);
      this.#host.answered(record, tookMs);
    });
  }
}

/** Whoever was under way already, for however long, has not waited for the next connection. */
function waitsSince({ sentAt, startedAt }: Statement): number {
  return sentAt === 0 ? startedAt : performance.now();
}
