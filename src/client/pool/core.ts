import { AsyncLocalStorage } from 'node:async_hooks';
import { type EventEmitter, once } from 'node:events';
import type pg from 'pg';
import { PitcrewError } from '../../errors.ts';
import { createDescriber, loadParser, type StatementDescription } from '../../sql/index.ts';
import type { PoolObserver, StatementOutcome } from '../observer.ts';
import { currentScope } from '../scope.ts';
import type { Call } from './call.ts';
import type { OwnConnection } from './connections/connection.ts';
import { leavesTraces } from './connections/session-reset.ts';
import { backendPid, isBusy, isInTransaction } from './driver.ts';
import type { EndpointStats } from './endpoint-types.ts';
import type { Endpoint } from './endpoint.ts';
import type { CallSite, HolderKind, Wait } from './holders/index.ts';
import type { ResolvedOptions } from './options.ts';
import { lend } from './pool-client.ts';
import { isPending, type PendingResult, type ResultKeeper } from './result-keeper.ts';
import { type Access, Router } from './routing/router.ts';
import type { StatementRecord } from './statements/record.ts';
import type { Statement } from './statements/statement.ts';
import { StatementRecords } from './statements/records.ts';
import { abortReason, watchLimits } from './statements/stopping.ts';
import { submittedText, whenAnswered } from './submit.ts';

/** Runs statements and lends connections for the pool and its views, and tells the pool's events. */
export class PoolCore {
  readonly #options: ResolvedOptions;
  readonly #observer: PoolObserver;
  readonly #keeper: ResultKeeper | undefined;
  readonly #events: EventEmitter;
  readonly #records: StatementRecords;
  readonly #router: Router;
  /** Until it is known what statements say and where they can go. */
  #ready: Promise<unknown> | undefined;
  readonly #held = new WeakMap<pg.PoolClient, { within<Result>(work: () => Result): Result }>();
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
    if (this.#ending) {
      reject(poolEnded());
      return;
    }
    const endpoint = this.#router.pick(access, false, this.#scope());
    const again = (): void => this.lend(access, resolve, reject, kind);
    if (endpoint instanceof Promise) {
      endpoint.then((found) => this.#lendFrom(found, { kind, site: undefined, resolve, reject, again }), reject);
    } else {
      this.#lendFrom(endpoint, { kind, site: endpoint.holders.callSite(this.lend), resolve, reject, again });
    }
  }

  /** What is known of the holder of a lent client. */
  heldBy(client: pg.PoolClient): { within<Result>(work: () => Result): Result } | undefined {
    return this.#held.get(client);
  }

  #lendFrom(endpoint: Endpoint, { kind, site, resolve, reject, again }: Borrower): void {
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

/** Someone who wants a connection, and what is known of them. */
interface Borrower {
  kind: HolderKind;
  site: CallSite | undefined;
  resolve: (client: pg.PoolClient) => void;
  reject: (error: Error) => void;
  /** Asks anew, wherever the connection should come from now. */
  again: () => void;
}

/** How far a statement has come. */
type Progress = Pick<Statement, 'record' | 'startedAt' | 'sentAt' | 'endedAt' | 'endpoint' | 'shared'> & {
  readonly values: readonly unknown[] | undefined;
};

function outcomeOf(
  { record, values, startedAt, sentAt, endedAt, endpoint, shared }: Progress,
  error: Error | undefined,
  result: pg.QueryResult | undefined,
): StatementOutcome {
  const now = endedAt || performance.now();
  return {
    description: record.description,
    text: record.text,
    values,
    queuedMs: (sentAt === 0 ? now : sentAt) - startedAt,
    durationMs: now - startedAt,
    rows: result ? rowsOf(result) : 0,
    error,
    endpoint: endpoint?.name ?? '',
    role: endpoint?.role ?? 'primary',
    lane: shared,
  };
}

/** What is not known to change nothing has changed nothing all the same where a replica ran it. */
function mayHaveWritten(description: StatementDescription | undefined, endpoint: Statement['endpoint']): boolean {
  return !description?.readOnly && endpoint?.role !== 'replica';
}

/** In the words of `pg`. */
function poolEnded(): PitcrewError {
  return new PitcrewError('E_POOL_CLOSED', 'Cannot use a pool after calling end on the pool');
}

function rowsOf(result: pg.QueryResult | pg.QueryResult[]): number {
  return Array.isArray(result) ? result.reduce((sum, one) => sum + (one.rowCount ?? 0), 0) : (result.rowCount ?? 0);
}
