import { AsyncLocalStorage } from 'node:async_hooks';
import { getHeapStatistics } from 'node:v8';

/** Longer ones are cut: names come from the application, and are kept. */
const longestName = 200;

/** One piece of the application's work, such as a request or a job, and all that it awaits. */
export class RequestScope {
  /** On the clock of `performance.now()`. */
  readonly startedAt = performance.now();
  /** Bytes on the heap when it began, where `measureScopeMemory` has asked for it. */
  readonly startedHeap = measuresMemory ? heapUsed() : undefined;
  /** The scope in which this one was begun, unless that was over: what reschedules itself shall not hang on to all that was before. */
  readonly outer: RequestScope | undefined = runningScope();
  #name: string | (() => string);
  #ended = false;
  #whenEnded: (() => void)[] | undefined;
  #kept: Map<object, unknown> | undefined;

  /** @param name asked when it is needed and for the last time at the end: routers know it later than the request begins */
  constructor(name: string | (() => string)) {
    this.#name = name;
  }

  /** What kind of work it is, without what differs from one to the next: `GET /orders/:id`. */
  get name(): string {
    return nameFrom(this.#name);
  }

  /** The outermost scope around this one, or itself: the request as a whole. */
  get root(): RequestScope {
    return this.outer?.root ?? this;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** What was kept under that key for the time of the scope. */
  kept(key: object): unknown {
    return this.#kept?.get(key);
  }

  keep(key: object, value: unknown): void {
    (this.#kept ??= new Map()).set(key, value);
  }

  /** Calls back when the work is over; at once when it is already. */
  onEnd(callback: () => void): void {
    if (this.#ended) callback();
    else (this.#whenEnded ??= []).push(callback);
  }

  /** The work is over. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#name = this.name;
    for (const callback of this.#whenEnded ?? []) callback();
    this.#whenEnded = undefined;
  }

  /** Runs a function, and all that it awaits, in this scope, which goes on after it. */
  run<Result>(work: () => Result): Result {
    return scopes.run(this, work);
  }
}

const scopes = new AsyncLocalStorage<RequestScope>();

let measuresMemory = false;

/** From now on scopes note the size of the heap when they begin; costs 1 µs each. */
export function measureScopeMemory(): void {
  measuresMemory = true;
}

export function heapUsed(): number {
  return getHeapStatistics().used_heap_size;
}

function runningScope(): RequestScope | undefined {
  const scope = scopes.getStore();
  return scope?.ended ? undefined : scope;
}

/** The scope in which the caller runs; costs about 10 ns. */
export function currentScope(): RequestScope | undefined {
  return scopes.getStore();
}

/**
 * Runs a function, and all that it awaits, in a scope of its own, which ends when its result is there.
 * @param name without what differs from one request to the next, so that there are not many names: `GET /orders/:id`
 */
export function runInScope<Result>(name: string | (() => string), work: (scope: RequestScope) => Result): Result {
  const scope = new RequestScope(name);
  let result: Result;
  try {
    result = scopes.run(scope, work, scope);
  } catch (error) {
    scope.end();
    throw error;
  }
  // Not any thenable: a query builder would run its query for being asked.
  if (result instanceof Promise) return result.finally(() => scope.end()) as Result;
  scope.end();
  return result;
}

function nameFrom(name: string | (() => string)): string {
  if (typeof name === 'string') return name.length > longestName ? name.slice(0, longestName) : name;
  try {
    return nameFrom(name());
  } catch {
    return 'unnamed';
  }
}
