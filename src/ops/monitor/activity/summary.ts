import type { MetricSample } from '../../store/index.ts';
import type { ActivitySnapshot, Session } from '../types.ts';

/** How many wait events one window names; the rest is summed up as the event `other`. */
const namedEvents = 20;

/** A session that works for a client: what counts as load. Background processes are listed only. */
function isClientWork(session: Session): boolean {
  return !session.own && (session.backendType === 'client backend' || session.backendType === 'parallel worker');
}

/** `CPU` when an active session does not wait, else the class of its wait event. */
function waitClass(session: Session): string {
  return session.waitType ?? 'CPU';
}

/** Counts client sessions by state and active ones by wait class. Pitcrew's own sessions are listed, not counted. */
export function summarize(at: Date, sessions: Session[]): ActivitySnapshot {
  const byState: Record<string, number> = {};
  const byWait: Record<string, number> = {};
  for (const session of sessions) {
    if (!isClientWork(session)) continue;
    if (session.backendType === 'client backend') {
      const state = session.state ?? 'unknown';
      byState[state] = (byState[state] ?? 0) + 1;
    }
    if (session.state === 'active') byWait[waitClass(session)] = (byWait[waitClass(session)] ?? 0) + 1;
  }
  return { at, sessions, byState, byWait };
}

/** For how many windows after its last session a wait class is said to be at 0, rather than nothing of it. */
const rememberedWindows = 360;

/** Sums of the samples of one window, from which its means are made. */
export class ActivityWindow {
  /** Wait classes that were seen, and for how many windows more they are told. CPU is told always. */
  readonly #remembered = new Map<string, number>();
  #samples = 0;
  #byState = new Map<string, number>();
  #byWait = new Map<string, number>();
  /** By `class` and `event`, joined by a tab, which is in no name. */
  #waitingOn = new Map<string, number>();
  #total = 0;
  #blocked = 0;
  #longestTransaction = 0;
  #longestIdle = 0;

  get samples(): number {
    return this.#samples;
  }

  add({ at, sessions, byState, byWait }: ActivitySnapshot): void {
    this.#samples += 1;
    for (const [state, count] of Object.entries(byState)) increase(this.#byState, state, count);
    for (const [name, count] of Object.entries(byWait)) increase(this.#byWait, name, count);
    for (const session of sessions) {
      if (!isClientWork(session)) continue;
      if (session.state === 'active' && session.waitEvent) {
        increase(this.#waitingOn, `${waitClass(session)}\t${session.waitEvent}`, 1);
      }
      if (session.backendType !== 'client backend') continue;
      this.#total += 1;
      if (session.blockedBy.length > 0) this.#blocked += 1;
      this.#longestTransaction = Math.max(this.#longestTransaction, secondsBetween(session.transactionStart, at));
      if (session.state?.startsWith('idle in transaction')) {
        this.#longestIdle = Math.max(this.#longestIdle, secondsBetween(session.stateChange, at));
      }
    }
  }

  /** Means over the window's samples (the longest ages: the largest seen), and a new window begins. */
  take(): MetricSample[] {
    const samples = this.#samples;
    if (samples === 0) return [];
    const gauge = (name: string, value: number, labels?: Record<string, string>): MetricSample => ({
      name,
      kind: 'gauge',
      value,
      ...(labels ? { labels } : {}),
    });
    for (const [name, left] of this.#remembered) {
      if (left > 1) this.#remembered.set(name, left - 1);
      else this.#remembered.delete(name);
    }
    for (const name of this.#byWait.keys()) this.#remembered.set(name, rememberedWindows);
    for (const name of ['CPU', ...this.#remembered.keys()]) increase(this.#byWait, name, 0);
    const metrics = [
      ...[...this.#byState].map(([state, count]) => gauge('sessions.by_state', count / samples, { state })),
      ...[...this.#byWait].map(([name, count]) => gauge('sessions.active_by_wait', count / samples, { class: name })),
      ...largest(this.#waitingOn).map(([pair, count]) => {
        const [name = '', event = ''] = pair.split('\t');
        return gauge('sessions.waiting_on', count / samples, { class: name, event });
      }),
      gauge('sessions.total', this.#total / samples),
      gauge('sessions.blocked', this.#blocked / samples),
      gauge('sessions.longest_transaction_seconds', this.#longestTransaction),
      gauge('sessions.longest_idle_in_transaction_seconds', this.#longestIdle),
    ];
    this.#samples = 0;
    for (const counts of [this.#byState, this.#byWait, this.#waitingOn]) counts.clear();
    this.#total = 0;
    this.#blocked = 0;
    this.#longestTransaction = 0;
    this.#longestIdle = 0;
    return metrics;
  }
}

/** The events with the most waiting; what is left of each class is summed up as its event `other`. */
function largest(waitingOn: ReadonlyMap<string, number>): [string, number][] {
  const sorted = [...waitingOn].toSorted((a, b) => b[1] - a[1]);
  const others = new Map<string, number>();
  for (const [pair, count] of sorted.slice(namedEvents)) increase(others, `${pair.split('\t')[0] ?? ''}\tother`, count);
  return [...sorted.slice(0, namedEvents), ...others];
}

function increase(counts: Map<string, number>, key: string, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by);
}

function secondsBetween(from: Date | null, to: Date): number {
  return from ? Math.max(0, (to.getTime() - from.getTime()) / 1000) : 0;
}
