import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import type pg from 'pg';
import type { PoolObserver } from '../observer.ts';
import type { OwnConnection } from './connections/connection.ts';
import { leavesTraces } from './connections/session-reset.ts';
import { backendPid, isInTransaction } from './driver.ts';
import type { Endpoint } from './endpoint.ts';
import type { CallSite, HolderKind, Wait } from './holders/index.ts';
import type { ResolvedOptions } from './options.ts';
import { lend } from './pool-client.ts';
import type { ResultKeeper } from './result-keeper.ts';
import type { Access, Router } from './routing/router.ts';
import { mayHaveWritten, outcomeOf } from './statements/outcome.ts';
import type { StatementRecord } from './statements/record.ts';
import type { StatementRecords } from './statements/records.ts';
import { submittedText, whenAnswered } from './submit.ts';

/** Someone who wants a connection. */
interface Borrower {
  readonly kind: HolderKind;
  readonly resolve: (client: pg.PoolClient) => void;
  readonly reject: (error: Error) => void;
}

/** Lends connections, and follows what is done on them. */
export class Lender {
  readonly #router: Router;
  readonly #records: StatementRecords;
  readonly #observer: PoolObserver;
  readonly #keeper: ResultKeeper | undefined;
  readonly #events: EventEmitter;
  readonly #scope: () => object | undefined;
  readonly #held = new WeakMap<pg.PoolClient, { within<Result>(work: () => Result): Result }>();

  /**
   * @param events the pool, on which its events are told
   * @param scope whose writes are to be seen, asked in the caller's own context
   */
  constructor(
    router: Router,
    records: StatementRecords,
    { observer = {}, keeper }: Pick<ResolvedOptions, 'observer' | 'keeper'>,
    events: EventEmitter,
    scope: () => object | undefined,
  ) {
    this.#router = router;
    this.#records = records;
    this.#observer = observer;
    this.#keeper = keeper;
    this.#events = events;
    this.#scope = scope;
  }

  /** Lends a connection; its `release` gives it back. */
  lend(access: Access, borrower: Borrower): void {
    const endpoint = this.#router.pick(access, false, this.#scope());
    const again = (): void => this.lend(access, borrower);
    if (endpoint instanceof Promise) {
      endpoint.then((found) => this.#lendFrom(found, borrower, undefined, again), borrower.reject);
    } else {
      this.#lendFrom(endpoint, borrower, endpoint.holders.callSite(this.lend), again);
    }
  }

  /** What is known of the holder of a lent client. */
  heldBy(client: pg.PoolClient): { within<Result>(work: () => Result): Result } | undefined {
    return this.#held.get(client);
  }

  #lendFrom(
    endpoint: Endpoint,
    { kind, resolve, reject }: Borrower,
    site: CallSite | undefined,
    again: () => void,
  ): void {
    const { holders } = endpoint;
    let wait: Wait | undefined;
    let over = false;
    const end = (): void => {
      over = true;
      wait?.ended();
    };
    endpoint.acquire({
      since: performance.now(),
      // In the caller's own context, whoever it is that gives a connection back.
      granted: AsyncLocalStorage.bind((connection: OwnConnection) => {
        const refusedMeanwhile = over;
        end();
        if (refusedMeanwhile) endpoint.release(connection);
        else resolve(this.#lent(endpoint, connection, kind, site));
      }),
      refused: (error) => {
        if (!over) reject(error);
        end();
      },
      moved: () => {
        if (!over) again();
        end();
      },
    });
    if (over) return;
    wait = holders.waiting(site, (error) => {
      if (!over) reject(error);
      end();
    });
  }

  #lent(endpoint: Endpoint, connection: OwnConnection, kind: HolderKind, site: CallSite | undefined): pg.PoolClient {
    const { holders } = endpoint;
    const holder = holders.taken({ kind, pid: backendPid(connection.client) ?? undefined, site });
    let changed = false;
    const writes = this.#keeper?.lent();
    // Told before the caller is, whose next statement must see it.
    const endedOutside = (): void => {
      if (!isInTransaction(connection.client)) writes?.ended();
    };
    const client = lend({
      endpoint,
      connection,
      watch: (text, values) => {
        holders.note(holder, text);
        const record = this.#records.of(typeof text === 'string' ? text : '');
        changed ||= leavesTraces(record.description);
        if (mayHaveWritten(record.description, endpoint)) writes?.sent(record.description);
        const ended = this.#watchLent(endpoint, record, values);
        return (error, result) => {
          holders.idle(holder);
          endedOutside();
          ended(error, result);
        };
      },
      submits: (query) => {
        const text = submittedText(query);
        const description = text === undefined ? undefined : this.#records.of(text).description;
        changed ||= !description || leavesTraces(description);
        if (!mayHaveWritten(description, endpoint)) return;
        writes?.sent(description);
        const scope = this.#scope();
        whenAnswered(query, () => {
          this.#router.wrote(scope);
          endedOutside();
        });
      },
      isChanged: () => changed,
      queryTimeoutMs: this.#router.queryTimeoutMs,
      onRelease: (error) => {
        writes?.ended();
        this.#events.emit('release', error, connection.client);
        holders.released(holder);
      },
      onOpenTransaction: () => holders.openTransaction(holder),
    });
    this.#held.set(client, { within: (work) => holders.within(holder, work) });
    this.#events.emit('acquire', client);
    return client;
  }

  #watchLent(endpoint: Endpoint, record: StatementRecord, values: readonly unknown[] | undefined) {
    const { text, description } = record;
    const observer = this.#observer;
    const observed = observer.statementStarted?.(description, text);
    const startedAt = performance.now();
    const scope = this.#scope();
    return (error: Error | undefined, result: pg.QueryResult | undefined): void => {
      if (mayHaveWritten(description, endpoint)) this.#router.wrote(scope);
      const progress = { record, values, startedAt, sentAt: startedAt, endedAt: 0, endpoint, shared: false };
      if (observer.statementEnded) observer.statementEnded(observed, outcomeOf(progress, error, result));
    };
  }
}
