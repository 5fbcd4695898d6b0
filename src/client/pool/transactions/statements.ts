import { Readable, Stream, Writable } from 'node:stream';
import pg from 'pg';
import { isFatal, isServerError } from './failures.ts';

type Arguments = readonly unknown[];
type Callback = (error: unknown, result?: unknown) => void;

/** A cursor, a query stream, COPY: an object of the application's that speaks to the connection itself. */
interface Submittable {
  submit: unknown;
  handleReadyForQuery?: (...args: unknown[]) => void;
  handleError?: (...args: unknown[]) => void;
  close?: unknown;
  destroy?: unknown;
  /** pg-cursor's own word for where it is. */
  state?: unknown;
}

/** Is told of a statement that the server refused. */
export interface StatementOwner {
  failed(error: unknown): void;
}

/** The statements that a transaction has running on its connection, in every form that `pg` can be called. */
export class Statements {
  readonly #client: pg.ClientBase;
  /** What statements failed with that the server did not answer, or answered by ending the connection. */
  readonly #unanswered = new WeakSet<object>();
  readonly #streams = new Set<Submittable>();
  #running = 0;
  #waiting: (() => void)[] = [];

  constructor(client: pg.ClientBase) {
    this.#client = client;
  }

  get running(): number {
    return this.#running;
  }

  /** Whether a statement failed with this because its connection ended, if it did end. */
  failedUnanswered(error: object): boolean {
    return this.#unanswered.has(error);
  }

  /** Resolves when none is running. */
  settled(): Promise<void> {
    return this.#running === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Cursors and streams that will not come to their end by themselves. */
  get open(): boolean {
    for (const stream of this.#streams) if (!comesToItsEnd(stream)) return true;
    return false;
  }

  /** Ends them before theirs: cursors are closed, streams destroyed with the reason. */
  closeOpen(reason: unknown): void {
    for (const stream of this.#streams) {
      if (comesToItsEnd(stream)) continue;
      const error = reason instanceof Error ? reason : new Error(String(reason));
      if (stream instanceof Stream) {
        // It may have no listener of the application's any more, which must not end the process.
        stream.on('error', () => {});
        if (typeof stream.destroy === 'function') stream.destroy(error);
      } else if (typeof stream.close === 'function') stream.close(() => {});
    }
  }

  /** Runs one as `client.query(...args)` does, and keeps count of it. */
  run(owner: StatementOwner, args: Arguments): unknown {
    const [first] = args;
    if (isSubmittable(first)) {
      this.#follow(owner, first);
      return this.#query(args);
    }
    const callback = callbackOf(args);
    if (callback) return this.#query(this.#withCallback(owner, args, callback));
    const promise = this.#query(args) as Promise<unknown>;
    this.#running++;
    promise.then(
      () => this.#ended(),
      (error: unknown) => this.#ended(owner, error),
    );
    return promise;
  }

  #query(args: Arguments): unknown {
    return Reflect.apply(this.#client.query, this.#client, args);
  }

  #ended(owner?: StatementOwner, error?: unknown): void {
    if (isServerError(error)) owner?.failed(error);
    if (error instanceof Error && (!isServerError(error) || isFatal(error))) this.#unanswered.add(error);
    if (--this.#running > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #withCallback(owner: StatementOwner, args: Arguments, callback: Callback): Arguments {
    const [first, values] = args;
    // Behind the application's own object, which may have getters and may be used again.
    const config: object = typeof first === 'string' ? { text: first } : Object.create(first as object);
    if (values !== undefined && typeof values !== 'function') Object.assign(config, { values });
    this.#running++;
    const told: Callback = (error, result) => {
      this.#ended(owner, error);
      callback(error, result);
    };
    return [config, told];
  }

  #follow(owner: StatementOwner, submittable: Submittable): void {
    this.#running++;
    this.#streams.add(submittable);
    const ended = (error?: unknown) => {
      if (this.#streams.delete(submittable)) this.#ended(owner, error);
    };
    const { handleReadyForQuery, handleError } = submittable;
    submittable.handleReadyForQuery = (...args) => {
      ended();
      handleReadyForQuery?.apply(submittable, args);
    };
    submittable.handleError = (...args) => {
      ended(args[0]);
      handleError?.apply(submittable, args);
    };
  }
}

export function isSubmittable(first: unknown): first is Submittable {
  return typeof first === 'object' && first !== null && 'submit' in first && typeof first.submit === 'function';
}

/** The callback of a call in one of the forms (text, callback), (text, values, callback), ({ callback }). */
export function callbackOf([first, second, third]: Arguments): Callback | undefined {
  if (typeof third === 'function') return third as Callback;
  if (typeof second === 'function') return second as Callback;
  const own = typeof first === 'object' && first !== null && 'callback' in first ? first.callback : undefined;
  return typeof own === 'function' ? (own as Callback) : undefined;
}

/** Without anyone reading from it, writing to it or closing it: all that remains is the server's answer. */
function comesToItsEnd(submittable: Submittable): boolean {
  if (submittable instanceof pg.Query) return true;
  if (submittable instanceof Writable) return submittable.writableEnded || submittable.destroyed;
  if (submittable instanceof Readable) return submittable.readableEnded || submittable.destroyed;
  if (typeof submittable.close !== 'function') return true;
  return submittable.state === 'done' || submittable.state === 'error';
}
