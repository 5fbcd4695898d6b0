import type { RequestScope } from '../../scope.ts';
import type { CallSite } from '../../call-site.ts';

/** For what a connection was taken: a bare `connect()`, a transaction with its function, one statement. */
export type HolderKind = 'connect' | 'transaction' | 'statement';

/** A caller who has a connection. */
export interface Holder {
  readonly kind: HolderKind;
  /** Process id of the backend. */
  readonly pid: number | undefined;
  /** On the clock of `performance.now()`. */
  readonly since: number;
  /** Where it was asked for, if that was looked at. */
  readonly site: CallSite | undefined;
  /** The request it was asked for in. */
  readonly scope: RequestScope | undefined;
  /** The latest statement on it. */
  statement: string | undefined;
  /** That statement has not ended. */
  running: boolean;
  released: boolean;
  /** Its leak has been told. */
  warned: boolean;
}
