import { AsyncLocalStorage } from 'node:async_hooks';

/** One piece of the application's work, such as a request or a job, and all that it awaits. */
export class RequestScope {
  /** What kind of work it is, without what differs from one to the next: `GET /orders/:id`. */
  readonly name: string;
  /** On the clock of `performance.now()`. */
  readonly startedAt = performance.now();
  #ended = false;
  #whenEnded: (() => void)[] | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get ended(): boolean {
    return this.#ended;
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
    for (const callback of this.#whenEnded ?? []) callback();
    this.#whenEnded = undefined;
  }
}

const scopes = new AsyncLocalStorage<RequestScope>();

/** The scope in which the caller runs. */
export function currentScope(): RequestScope | undefined {
  return scopes.getStore();
}

/**
 * Runs a function, and all that it awaits, in a scope of its own, which ends when its result is there.
 * @param name without what differs from one request to the next, so that there are not many names: `GET /orders/:id`
 */
export function runInScope<Result>(name: string, work: (scope: RequestScope) => Result): Result {
  const scope = new RequestScope(name);
  let result: Result;
  try {
    result = scopes.run(scope, work, scope);
  } catch (error) {
    scope.end();
    throw error;
  }
  if (result instanceof Promise) return result.finally(() => scope.end()) as Result;
  scope.end();
  return result;
}

/** What of a request and a response of `node:http`, and so of Express, a scope needs. */
interface Request {
  method?: string | undefined;
  url?: string | undefined;
}

interface Response {
  once(event: 'close', listener: () => void): unknown;
}

/**
 * Middleware for Express, Connect and `node:http`: each request is a scope of its own, until its response is closed.
 * @param nameOf by default the method and the path with numbers and identifiers in it replaced by `:id`
 * @example
 * ```ts
 * import { scopeMiddleware } from 'pitcrew';
 *
 * const middleware = scopeMiddleware();
 * console.log(typeof middleware); // app.use(middleware)
 * ```
 */
export function scopeMiddleware(
  nameOf: (request: Request) => string = requestName,
): (request: Request, response: Response, next: () => void) => void {
  return (request, response, next) => {
    const scope = new RequestScope(nameOf(request));
    response.once('close', () => scope.end());
    scopes.run(scope, next);
  };
}

/** `GET /orders/:id` of `GET /orders/17?page=2`. */
export function requestName({ method, url }: Request): string {
  const [path = '/'] = (url ?? '/').split(/[?#]/, 1);
  const steps = path.split('/').map((step) => (/^\d+$|^[0-9a-f-]{16,}$/i.test(step) ? ':id' : step));
  return `${method ?? 'GET'} ${steps.join('/').slice(0, 150)}`;
}
