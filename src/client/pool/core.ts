import { type EventEmitter, once } from 'node:events';
import type pg from 'pg';
import { PitcrewError } from '../../errors.ts';
import { createDescriber, loadParser, type StatementDescription } from '../../sql/index.ts';
import type { PoolObserver } from '../observer.ts';
import { currentScope } from '../scope.ts';
import type { Call } from './call.ts';
import { isBusy } from './driver.ts';
import type { EndpointStats } from './endpoint-types.ts';
import type { Endpoint } from './endpoint.ts';
import type { HolderKind } from './holders/index.ts';
import { Lender } from './lender.ts';
import type { ResolvedOptions } from './options.ts';
import { isPending, type PendingResult, type ResultKeeper } from './result-keeper.ts';
import { type Access, Router } from './routing/router.ts';
import { mayHaveWritten, outcomeOf } from './statements/outcome.ts';
import type { Statement } from './statements/statement.ts';
import { StatementRecords } from './statements/records.ts';
import { abortReason, watchLimits } from './statements/stopping.ts';

/** Runs statements and lends connections for the pool and its views, and tells the pool's events. */
export class PoolCore {
  readonly #options: ResolvedOptions;
  readonly #observer: PoolObserver;
  readonly #keeper: ResultKeeper | undefined;
  readonly #events: EventEmitter;
  readonly #records: StatementRecords;
  readonly #router: Router;
  readonly #lender: Lender;
  /** Until it is known what statements say and where they can go. */
  #ready: Promise<unknown> | undefined;
  #ending = false;

  /** @param events the pool, on which its events are told */
  constructor(options: ResolvedOptions, events: EventEmitter) {
    this.#options = options;
    this.#events = events;
    this.#observer = options.observer ?? {};
    this.#keeper = options.keeper;
    this.#records = new StatementRecords(createDescriber(options.functions));
    this.#router = new Router(options, {
      connected: (client) => this.#connected(client),
      hasHooks: () => Boolean(options.onConnect ?? options.verify) || events.listenerCount('connect') > 0,
      closed: (client) => {
        options.log?.('client closed');
        events.emit('remove', client);
      },
      idleError: (error, client) => {
        // Whoever does not listen has no use for an error of a connection that nobody uses.
        if (events.listenerCount('error') > 0) events.emit('error', error, client);
      },
      again: (statement) => this.#route(statement),
    });
    this.#lender = new Lender(this.#router, this.#records, options, events, () => this.#scope());
    // Without the parser nothing is known of statements: each gets a connection of its own.
    const ready = Promise.allSettled([loadParser(), this.#router.start()]).then(() => {
      this.#ready = undefined;
    });
    this.#ready = ready;
    this.#keeper?.start({
      ready,
      types: options.types,
      run: (call) => this.#answer('write', call),
      primaryConnection: () => this.#router.primaryConnection(),
    });
  }

  get isEnding(): boolean {
    return this.#ending;
  }

  stats(): EndpointStats[] {
    return this.#router.stats();
  }

  sum(of: (endpoint: Endpoint) => number): number {
    let sum = 0;
    for (const endpoint of this.#router.endpoints()) sum += of(endpoint);
    return sum;
  }

  async end(): Promise<void> {
    this.#ending = true;
    await this.#ready;
    await this.#keeper?.end();
    await this.#router.end();
  }

  /** Runs a statement and gives a promise of its answer. */
  answer(access: Access, call: Call): Promise<pg.QueryResult> {
    if (this.#ending) return Promise.reject(poolEnded());
    if (this.#ready) return this.#answerLater(this.#ready, access, call);
    return this.#kept(access, call) ?? this.#answer(access, call);
  }

  #answer(access: Access, call: Call): Promise<pg.QueryResult> {
    return new Promise((resolve, reject) => this.#begin(access, call, resolve, reject));
  }

  /** Awaits, and does not only wait: so the caller stays in the stack, by which its line is known. */
  async #answerLater(ready: Promise<unknown>, access: Access, call: Call): Promise<pg.QueryResult> {
    await ready;
    return await (this.#kept(access, call) ?? this.#answer(access, call));
  }

  /** The answer of the keeper, if it has one; who asks for the primary or for analytics is given none. */
  #kept(access: Access, call: Call): Promise<pg.QueryResult> | undefined {
    const keeper = this.#keeper;
    if (!keeper || call.cache === false || access === 'write' || access === 'analytics') return undefined;
    const { signal } = call.config ?? {};
    if (signal?.aborted) return Promise.reject(abortReason(signal));
    const kept = keeper.answer(call, currentScope()?.root, (other) => this.#answer(access, other));
    if (!kept) return undefined;
    return isPending(kept) ? this.#within(call, kept) : Promise.resolve(kept);
  }

  /** As long as the caller is willing to wait. */
  #within({ config }: Call, { promise, leave }: PendingResult): Promise<pg.QueryResult> {
    return new Promise((resolve, reject) => {
      const unwatch = watchLimits(config, this.#router.queryTimeoutMs, (reason) => {
        leave();
        reject(reason);
      });
      promise.then(resolve, reject).finally(() => unwatch?.());
    });
  }

  /** Runs a statement and answers by one of the two functions. */
  run(access: Access, call: Call, resolve: (result: pg.QueryResult) => void, reject: (error: Error) => void): void {
    if (this.#ending) {
      reject(poolEnded());
      return;
    }
    if (this.#ready) void this.#ready.then(() => this.#runNow(access, call, resolve, reject));
    else this.#runNow(access, call, resolve, reject);
  }

  #runNow(access: Access, call: Call, resolve: (result: pg.QueryResult) => void, reject: (error: Error) => void): void {
    const kept = this.#kept(access, call);
    if (kept) kept.then(resolve, reject);
    else this.#begin(access, call, resolve, reject);
  }

  #begin(access: Access, call: Call, resolve: (result: pg.QueryResult) => void, reject: (error: Error) => void): void {
    const { text, values, config, preface, isQuestion = false } = call;
    const record = this.#records.of(typeof text === 'string' ? text : '');
    const { description } = record;
    const observer = this.#observer;
    const observed = observer.statementStarted?.(description, text);
    const scope = this.#scope();
    const statement: Statement = {
      access,
      scope,
      record,
      values,
      config,
      preface: preface && { ...preface, record: this.#records.of(preface.text) },
      startedAt: performance.now(),
      endpoint: undefined,
      sentAt: 0,
      endedAt: 0,
      attempts: 0,
      settled: false,
      shared: false,
      cancel: undefined,
      waiting: undefined,
      resolve: (result) => {
        if (statement.settled) return;
        statement.settled = true;
        statement.waiting?.ended();
        unwatch?.();
        if (!isQuestion && mayHaveWritten(description, statement.endpoint)) this.#wrote(scope, description);
        if (observer.statementEnded) observer.statementEnded(observed, outcomeOf(statement, undefined, result));
        resolve(result);
      },
      reject: (error) => {
        if (statement.settled) return;
        statement.settled = true;
        statement.waiting?.ended();
        unwatch?.();
        // What failed may have been done all the same.
        const mayHaveBeenDone = !isQuestion && statement.sentAt > 0;
        if (mayHaveBeenDone && mayHaveWritten(description, statement.endpoint)) this.#wrote(scope, description);
        if (observer.statementEnded) observer.statementEnded(observed, outcomeOf(statement, error, undefined));
        reject(error);
      },
    };
    const unwatch = watchLimits(config, this.#router.queryTimeoutMs, (reason) => {
      if (statement.settled) return;
      statement.cancel?.();
      statement.reject(reason);
    });
    if (config?.signal?.aborted) statement.reject(abortReason(config.signal));
    else this.#route(statement);
  }

  #wrote(scope: object | undefined, description: StatementDescription): void {
    this.#router.wrote(scope);
    this.#keeper?.wrote(description);
  }

  /** Whose writes are to be seen; asked in the caller's own context, and not at all where there are no replicas. */
  #scope(): object | undefined {
    // The request as a whole: what an inner scope writes is seen by those around it.
    return this.#router.isSingle ? undefined : currentScope()?.root;
  }

  #route(statement: Statement): void {
    const { access, record, attempts, scope } = statement;
    // What has failed on replicas goes to the primary.
    const endpoint = this.#router.pick(
      attempts < 2 || access !== 'auto' ? access : 'write',
      record.description.readOnly,
      scope,
    );
    if (endpoint instanceof Promise) {
      endpoint.then(
        (found) => found.run(statement),
        (error: Error) => statement.reject(error),
      );
    } else {
      endpoint.run(statement);
      if (statement.sentAt === 0 && !statement.settled) this.#waits(statement, endpoint);
    }
  }

  /** A transaction whose function waits for a statement outside of it may wait for itself. */
  #waits(statement: Statement, endpoint: Endpoint): void {
    statement.waiting?.ended();
    statement.waiting = endpoint.holders.waiting(undefined, (error) => {
      statement.cancel?.();
      statement.reject(error);
    });
  }

  /** What a later reader, in another process too, gives to `seeAtLeast` to see what the caller has written. */
  async writtenToken(): Promise<string> {
    return (await this.#router.token(this.#scope())) ?? '';
  }

  seeAtLeast(token: string): void {
    this.#keeper?.seesAllUntilNow(currentScope()?.root);
    // With one server there is nothing that could be behind.
    if (token !== '') this.#router.atLeast(this.#scope(), token);
  }

  /** Lends a connection; its `release` gives it back. */
  lend(
    access: Access,
    resolve: (client: pg.PoolClient) => void,
    reject: (error: Error) => void,
    kind: HolderKind = 'connect',
  ): void {
    if (this.#ending) reject(poolEnded());
    else this.#lender.lend(access, { kind, resolve, reject });
  }

  /** What is known of the holder of a lent client. */
  heldBy(client: pg.PoolClient): { within<Result>(work: () => Result): Result } | undefined {
    return this.#lender.heldBy(client);
  }

  /** The application's hooks, before a connection is used for the first time. */
  async #connected(client: pg.PoolClient): Promise<void> {
    this.#options.log?.('client connected');
    await this.#options.onConnect?.(client);
    this.#events.emit('connect', client);
    const { verify } = this.#options;
    if (verify) {
      await new Promise<void>((resolve, reject) => verify(client, (error) => (error ? reject(error) : resolve())));
    }
    // What listeners have sent without waiting for it comes before all else.
    if (isBusy(client)) await once(client, 'drain');
  }
}

/** In the words of `pg`. */
function poolEnded(): PitcrewError {
  return new PitcrewError('E_POOL_CLOSED', 'Cannot use a pool after calling end on the pool');
}
