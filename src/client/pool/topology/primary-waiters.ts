import { messageOf, PitcrewError } from '../../../errors.ts';
import type { MonitoredHost } from './monitored-host.ts';
import type { HostState } from './types.ts';

interface Waiter {
  resolve(primary: HostState): void;
  reject(error: PitcrewError): void;
  timer: NodeJS.Timeout;
}

/** Those who wait for a primary. */
export class PrimaryWaiters {
  readonly #waiting = new Set<Waiter>();

  wait(withinMs: number, hosts: () => Iterable<MonitoredHost>): Promise<HostState> {
    return new Promise((resolve, reject) => {
      // Not unref'd: who waits for a primary wants the process to go on.
      const timer = setTimeout(() => {
        this.#waiting.delete(waiter);
        reject(noPrimary(`no primary was found within ${withinMs} ms`, [...hosts()]));
      }, withinMs);
      const waiter: Waiter = {
        resolve(primary) {
          clearTimeout(timer);
          resolve(primary);
        },
        reject,
        timer,
      };
      this.#waiting.add(waiter);
    });
  }

  found(primary: HostState): void {
    for (const waiter of this.#waiting) waiter.resolve(primary);
    this.#waiting.clear();
  }

  stopped(): void {
    for (const { reject, timer } of this.#waiting) {
      clearTimeout(timer);
      reject(new PitcrewError('E_DATABASE_UNREACHABLE', 'the topology was stopped'));
    }
    this.#waiting.clear();
  }
}

/** SQLSTATE classes by which a server that works keeps one out: no right, no such database, no room. */
const refusals = ['28', '3D', '42', '53'];

/** A server that is up answered, and did not let us in. It says nothing of its role. */
export function refuses(failure: Error | undefined): boolean {
  const code = failure && 'code' in failure && typeof failure.code === 'string' ? failure.code : '';
  return code.length === 5 && refusals.includes(code.slice(0, 2));
}

function noPrimary(message: string, hosts: readonly MonitoredHost[]): PitcrewError {
  const refused = hosts.length > 0 && hosts.every(({ failure }) => refuses(failure));
  const failure = hosts.find((host) => host.failure)?.failure;
  return new PitcrewError(refused ? 'E_DATABASE_REFUSED' : 'E_DATABASE_UNREACHABLE', message, {
    detail: hosts.map((host) => `${host.name}: ${said(host)}`).join('; ') || 'There are no hosts.',
    hint: refused
      ? 'Check user, password, database and pg_hba.conf.'
      : 'Check that one of the hosts is a primary and can be reached from here.',
    cause: failure,
  });
}

function said({ role, failure, reason }: MonitoredHost): string {
  if (failure) return messageOf(failure);
  return role === 'replica' ? 'a replica' : (reason ?? role);
}
