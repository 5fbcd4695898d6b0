import type { StatementDescription } from '../../../sql/index.ts';

/** Runs that must have been seen on a connection of their own before a statement may share one. */
const runsToKnow = 2;
/** What changes data may take so many times longer: a commit waits for the disk, and keeps up others of its kind only. */
export const commitFactor = 4;
/** How long a statement keeps off shared connections after it overstayed there; twice as long each time that follows, up to a minute. */
const firstOffMs = 5000;
const longestOffMs = 60_000;
/** Gains of the smoothed mean and deviation: 1/8 and 1/4, as TCP estimates its round trips (RFC 6298, section 2). */
const meanGain = 1 / 8;
const deviationGain = 1 / 4;
/** RFC 6298 again: mean + 4 deviations is seldom exceeded. */
const deviations = 4;

/** So that what has become slow is known as such after some dozens of runs. */
const leastGrowth = 1.02;

let lastId = 0;

/** What the pool knows of a statement's text: what it says, and how long the server takes for it. */
export class StatementRecord {
  readonly id = ++lastId;
  readonly text: string;
  readonly description: StatementDescription;
  /** Its kind allows to share a connection: one statement that leaves nothing behind in its session. */
  readonly shareable: boolean;
  /** It may change data, so that it has a commit to wait for. */
  readonly writes: boolean;
  #runs = 0;
  #meanMs = 0;
  #deviationMs = 0;
  /** The quickest run of late. */
  #leastMs = Infinity;
  #offUntil = 0;
  #offMs = 0;

  constructor(text: string, description: StatementDescription) {
    this.text = text;
    this.description = description;
    this.writes = !description.readOnly;
    this.shareable = description.single && !description.session && shareableKinds.has(description.kind);
  }

  /** Takes the time that the server took for one run, in ms. */
  observe(serviceMs: number): void {
    this.#runs += 1;
    this.#leastMs = Math.min(serviceMs, this.#leastMs * leastGrowth);
    if (this.#runs === 1) {
      this.#meanMs = serviceMs;
      this.#deviationMs = serviceMs / 2;
      return;
    }
    this.#deviationMs += deviationGain * (Math.abs(serviceMs - this.#meanMs) - this.#deviationMs);
    this.#meanMs += meanGain * (serviceMs - this.#meanMs);
  }

  /** It was stopped for taking too long, or waiting for a lock too long, on a shared connection. */
  overstayed(nowMs: number): void {
    // One that has behaved for as long again may have been unlucky.
    const isRepeated = nowMs < this.#offUntil + this.#offMs;
    this.#offMs = isRepeated ? Math.min(this.#offMs * 2, longestOffMs) : firstOffMs;
    this.#offUntil = nowMs + this.#offMs;
  }

  /** Whether it may share a connection now: it is known to be done within `limitMs` nearly always. */
  mayShare(limitMs: number, nowMs: number): boolean {
    return (
      this.shareable &&
      this.#runs >= runsToKnow &&
      this.#offUntil <= nowMs &&
      this.expectedMs <= (this.writes ? limitMs * commitFactor : limitMs)
    );
  }

  /**
   * Whether it takes longer than a quick statement may even when nothing holds it up; only of kinds of which all is known: what may
   * wait for another session must not wait for a turn.
   */
  isSlow(limitMs: number): boolean {
    return (
      this.shareable && this.#runs >= runsToKnow && this.#leastMs > (this.writes ? limitMs * commitFactor : limitMs)
    );
  }

  /** It only reads, and takes no longer than `limitMs` when nothing holds it up. */
  isQuick(limitMs: number): boolean {
    return !this.writes && this.#leastMs <= limitMs;
  }

  /** What a run seldom exceeds, in ms; 0 before the first. */
  get expectedMs(): number {
    return this.#meanMs + deviations * this.#deviationMs;
  }
}

const shareableKinds = new Set<StatementDescription['kind']>(['select', 'insert', 'update', 'delete', 'merge']);
