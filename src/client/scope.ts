import { AsyncLocalStorage } from 'node:async_hooks';

/** One piece of the application's work, such as a request, and all that it awaits. */
export interface RequestScope {
  /** `GET /orders` */
  readonly name: string;
}

const scopes = new AsyncLocalStorage<RequestScope>();

/** The scope in which the caller runs. */
export function currentScope(): RequestScope | undefined {
  return scopes.getStore();
}

/** Runs a function, and all that it awaits, in a scope of its own. */
export function runInScope<Result>(name: string, work: () => Result): Result {
  return scopes.run({ name }, work);
}
