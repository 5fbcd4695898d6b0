import { PitcrewError } from '../../../errors.ts';
import type { PoolObserver, PoolWarning } from '../../observer.ts';
import { Rate } from '../../rate.ts';
import { currentScope, type RequestScope } from '../../scope.ts';
import { type CallSite, captureCallSite, framesOf } from '../../call-site.ts';
import { enclosingHolders, runHolding } from './context.ts';
import type { Holder, HolderKind } from './holder.ts';
import { describeHolders, type HolderReport, inSeconds, reportOf } from './report.ts';

export interface HoldersOptions {
  /** `host:port`, for messages. */
  endpoint: string;
  /** How many connections can be held at the same time, at most. */
  capacity(): number;
  /**
   * Warn of whoever holds a connection for longer, in ms; every line is then known. Without it no one is warned, and at a
   * high rate only some lines are.
   */
  leakDetectionMs?: number | undefined;
  observer?: PoolObserver | undefined;
}

/** Someone who waits, as far as it matters to those who hold. */
export interface Wait {
  /** It has got its connection, or an error. */
  ended(): void;
}

interface KnownWait extends Wait {
  /** The holders in whose functions it waits. */
  readonly inside: readonly Holder[];
  readonly scope: RequestScope | undefined;
  readonly site: CallSite | undefined;
  readonly refuse: (error: PitcrewError) => void;
}

/** How often circles are looked for while someone waits inside a transaction's function, in ms. */
const lookMs = 100;

/**
 * Call sites looked at: all at a low rate, and so few at a high one that it does not count: a capture of 10 µs then costs at
 * most 0.2 % of a CPU. Connections that are held for long are taken at a low rate, so that their lines are known.
 */
const looksPerSecond = 200;
const looksAtOnce = 100;

/** Once it was said that the pool is exhausted, it is not said again for so long, in ms. */
const exhaustedApartMs = 60_000;

export function createHolders(options: HoldersOptions): Holders {
  return new Holders(options);
}

/**
 * Who holds the connections to one endpoint: since when, asked for where, doing what. Warns of leaks, and finds the deadlock
 * of the pool: all connections held by transactions that wait, inside their functions, for one more.
 *
 * What is known of a wait is the asynchronous context it began in. The function of `transaction()` has one of its own,
 * so a wait inside it is known; a bare `connect()` has none (a context entered there would pass to whatever the caller does
 * next, awaited or not), so a deadlock with one among the holders ends with the timeout, whose report names it. Inside
 * a function, a call that is not awaited looks like one that is: so a circle counts only when no statement runs on
 * any of the connections and nothing has happened on them for `lookMs`.
 */
export class Holders {
  readonly #options: HoldersOptions;
  /** Whoever has held longest first. */
  readonly #held = new Set<Holder>();
  readonly #waits = new Set<KnownWait>();
  readonly #looks = new Rate(looksPerSecond, looksAtOnce);
  #leakTimer: NodeJS.Timeout | undefined;
  #lookTimer: NodeJS.Timeout | undefined;
  /** Changes whenever something happens on a connection. */
  #progress = 0;
  #exhaustedAt = -Infinity;

  constructor(options: HoldersOptions) {
    this.#options = options;
  }

  /** Where the application is, to be asked for in its own stack: before anything is awaited. `above`: what it called. */
  callSite(above: (...args: never[]) => unknown): CallSite | undefined {
    if (this.#options.leakDetectionMs === undefined && !this.#looks.take(performance.now())) return undefined;
    return captureCallSite(above);
  }

  /** A connection is given to a caller who asked for it at `site`. In the asynchronous context of the caller. */
  taken(by: { kind: HolderKind; pid: number | undefined; site?: CallSite | undefined }): Holder {
    const holder: Holder = {
      kind: by.kind,
      pid: by.pid,
      since: performance.now(),
      site: by.site,
      scope: currentScope(),
      statement: undefined,
      running: false,
      released: false,
      warned: false,
    };
    this.#held.add(holder);
    this.#progress++;
    if (!this.#leakTimer && this.#options.leakDetectionMs !== undefined)
      this.#watchLeaks(this.#options.leakDetectionMs);
    return holder;
  }

  released(holder: Holder): void {
    holder.released = true;
    this.#held.delete(holder);
    this.#progress++;
  }

  /** A statement begins on its connection. */
  note(holder: Holder, statement: string): void {
    holder.statement = statement;
    holder.running = true;
    this.#progress++;
  }

  /** The statement has ended. */
  idle(holder: Holder): void {
    holder.running = false;
    this.#progress++;
  }

  /** Runs the function of a holder, so that waits inside it are known as its own. */
  within<T>(holder: Holder, fn: () => T): T {
    return runHolding(holder, fn);
  }

  /**
   * A caller has to wait, since no connection is free: to be said in its own asynchronous context, and its end as well.
   * `refuse` is called with `E_POOL_DEADLOCK` when it waits for ever. `undefined` when nothing is known of where it waits.
   */
  waiting(site: CallSite | undefined, refuse: (error: PitcrewError) => void): Wait | undefined {
    const scope = currentScope();
    const inside = enclosingHolders().filter((holder) => this.#held.has(holder));
    if (inside.length === 0 && !scope) return undefined;
    const wait: KnownWait = { inside, scope, site, refuse, ended: () => void this.#waits.delete(wait) };
    this.#waits.add(wait);
    if (inside.length > 0 && !this.#lookTimer) this.#lookForCircle(this.#progress);
    return wait;
  }

  /** Whoever has held longest first. */
  report(): HolderReport[] {
    const now = performance.now();
    const functions = new Set([...this.#waits].flatMap(({ inside }) => inside));
    const scopes = new Set([...this.#waits].map(({ scope }) => scope));
    return [...this.#held].map((holder) => {
      const waits = functions.has(holder)
        ? 'function'
        : holder.scope && scopes.has(holder.scope)
          ? 'request'
          : undefined;
      return reportOf(holder, now, waits);
    });
  }

  /** The report in words, for the detail of `E_POOL_TIMEOUT`: a line each for the ten who have held longest. */
  describe(): string {
    return this.#held.size === 0 ? '' : `Held:\n${describeHolders(this.report())}`;
  }

  /** A caller has waited in vain, with all connections in use: warned of once a minute. */
  exhausted({ message, detail }: PitcrewError): void {
    const now = performance.now();
    if (now - this.#exhaustedAt < exhaustedApartMs) return;
    this.#exhaustedAt = now;
    this.#options.observer?.warned?.({ code: 'exhausted', message: `all connections are in use: ${message}`, detail });
  }

  /** A client came back inside a transaction. */
  openTransaction(holder: Holder): void {
    this.#warn(holder, 'open-transaction', 'a client was released inside a transaction, which was rolled back');
  }

  #warn(holder: Holder, code: PoolWarning['code'], message: string): void {
    const { observer, endpoint } = this.#options;
    const stack = holder.site ? framesOf(holder.site).slice(1, 5) : [];
    const detail = [`${endpoint}, ${describeHolders([reportOf(holder, performance.now(), undefined)])}`, ...stack];
    observer?.warned?.({ code, message, detail: detail.join('\n  called from ') });
  }

  /** One timer for all: for whoever has held longest of those not warned of. */
  #watchLeaks(limitMs: number): void {
    let next: Holder | undefined;
    for (const holder of this.#held) {
      if (!holder.warned) {
        next = holder;
        break;
      }
    }
    this.#leakTimer = undefined;
    if (!next) return;
    const look = () => {
      for (const holder of this.#held) {
        const heldMs = performance.now() - holder.since;
        if (heldMs < limitMs) break;
        if (holder.warned) continue;
        holder.warned = true;
        this.#warn(holder, 'leak', `a connection has been held for ${inSeconds(heldMs)}: was it ever released?`);
      }
      this.#watchLeaks(limitMs);
    };
    this.#leakTimer = setTimeout(look, Math.max(1, next.since + limitMs - performance.now()));
    this.#leakTimer.unref();
  }

  #lookForCircle(progress: number): void {
    this.#lookTimer = setTimeout(() => {
      this.#lookTimer = undefined;
      const last = [...this.#waits].findLast(({ inside }) => inside.length > 0);
      if (!last) return;
      if (progress === this.#progress && this.#allWait()) {
        const error = this.#deadlock();
        last.ended();
        this.#options.observer?.warned?.({ code: 'pool-deadlock', message: error.message, detail: error.detail });
        last.refuse(error);
      }
      this.#lookForCircle(this.#progress);
    }, lookMs);
    this.#lookTimer.unref();
  }

  #allWait(): boolean {
    if (this.#held.size < this.#options.capacity()) return false;
    const waiting = new Set([...this.#waits].flatMap(({ inside }) => inside));
    for (const holder of this.#held) if (holder.running || !waiting.has(holder)) return false;
    return true;
  }

  #deadlock(): PitcrewError {
    const lines = [...this.#waits]
      .filter(({ inside }) => inside.length > 0)
      .map(({ site }) => (site && framesOf(site)[0]) ?? 'a line that was not looked at');
    const places = [...new Set(lines)].slice(0, 10).map((line) => `waiting at ${line}`);
    return new PitcrewError(
      'E_POOL_DEADLOCK',
      `all connections to ${this.#options.endpoint} are held by transactions that wait for one more`,
      {
        detail: [this.describe(), ...places].join('\n'),
        hint: 'Inside transaction(), use the client that its function is given; what needs a connection of its own comes before or after.',
      },
    );
  }
}
