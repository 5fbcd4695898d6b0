import type { AcquireOutcome, EndpointRole, PoolObserver } from '../../observer.ts';
import type { OwnConnection } from './connection.ts';
import type { Waiter } from './waiters.ts';

/** A waiter of whose waiting the observer is told; the same one where the observer does not want to know. */
export function observed<Waiting extends Waiter<OwnConnection>>(
  waiter: Waiting,
  observer: PoolObserver,
  { name, role }: { readonly name: string; readonly role: EndpointRole },
): Waiting {
  if (!observer.acquired) return waiter;
  const outcome = (error: Error | undefined): AcquireOutcome => ({
    endpoint: name,
    role,
    waitedMs: performance.now() - waiter.since,
    error,
  });
  return {
    ...waiter,
    granted: (connection) => {
      observer.acquired?.(outcome(undefined));
      waiter.granted(connection);
    },
    refused: (error) => {
      observer.acquired?.(outcome(error));
      waiter.refused(error);
    },
  };
}
