import { tierError } from './tier-error.ts';

interface Waiting {
  until: number;
  callers: number;
  reject: ((error: Error) => void) | undefined;
}

/** Who may wait for commands at most; more are refused. */
const mostAtWork = 10_000;
/** A Redis that has not answered in time is asked by one command at a time, and given so long each. */
const patienceMs = 1000;

/**
 * Bounds how long commands take. One timer for all of them, because a timer for each costs as much as a command. While Redis is
 * silent only one command in a while goes to it, so that nothing piles up: neither callers nor bytes.
 */
export class Deadlines {
  readonly #ms: number;
  #queue: Waiting[] = [];
  #atWork = 0;
  #timer: NodeJS.Timeout | undefined;
  /** When the last command went to a Redis that is silent. */
  #silentSince: number | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  /** @param callers who wait for the answer */
  run<Answer>(start: () => Promise<Answer>, callers = 1): Promise<Answer> {
    const now = performance.now();
    if (this.#silentSince !== undefined) {
      if (now - this.#silentSince < patienceMs) return Promise.reject(tierError('Redis does not answer'));
      this.#silentSince = now;
    }
    if (this.#atWork >= mostAtWork) return Promise.reject(tierError('Redis is asked for more than it answers'));
    this.#atWork += callers;
    return new Promise<Answer>((resolve, reject) => {
      const waiting: Waiting = { until: now + this.#ms, callers, reject };
      this.#queue.push(waiting);
      if (!this.#timer) this.#lookIn(this.#ms);
      start().then(
        (answer) => {
          this.#ended(waiting);
          resolve(answer);
        },
        (error: unknown) => {
          this.#ended(waiting);
          reject(error);
        },
      );
    });
  }

  /** Another connection: what was silent does not count any more. */
  clear(): void {
    this.#silentSince = undefined;
  }

  #lookIn(ms: number): void {
    this.#timer = setTimeout(this.#look, ms);
    // Whoever waits is kept alive by the connection; what has been answered shall keep nobody.
    this.#timer.unref();
  }

  #ended(waiting: Waiting): void {
    this.#atWork -= waiting.callers;
    this.#silentSince = undefined;
    waiting.reject = undefined;
  }

  readonly #look = (): void => {
    const now = performance.now();
    const first = this.#queue.findIndex(({ reject, until }) => reject && until > now);
    const late = first < 0 ? this.#queue : this.#queue.slice(0, first);
    this.#queue = first < 0 ? [] : this.#queue.slice(first);
    const next = this.#queue[0];
    this.#timer = undefined;
    if (next) this.#lookIn(Math.max(next.until - now, this.#ms / 8));
    if (!late.some(({ reject }) => reject)) return;
    // Answers may have come while this process was busy: they are read before this.
    setImmediate(() => {
      let isSilent = false;
      for (const { reject } of late) {
        if (!reject) continue;
        isSilent = true;
        reject(tierError(`Redis did not answer within ${this.#ms} ms`));
      }
      if (isSilent) this.#silentSince ??= performance.now();
    });
  };
}
