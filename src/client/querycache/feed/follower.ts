import type { PublishedTable, StreamEvent } from '../stream/index.ts';
import { BeatClock } from './beat-clock.ts';
import type { Note } from './notes.ts';

type ChangedNote = Extract<Note, { kind: 'changed' }>;
type Beat = Extract<Note, { kind: 'beat' }>;
export type PublishedTables = ReadonlyMap<number, PublishedTable>;

export interface FollowerHost {
  tell(event: StreamEvent): void;
  /** The tables whose changes are told in that epoch; `undefined` while they cannot be had. */
  tablesOf(epoch: string): Promise<PublishedTables | undefined>;
}

/** Changes that are remembered while an epoch is waited for; when there are more, it is waited for anew. */
const mostHeard = 10_000;

/**
 * Follows what another process passes on, which may have begun long ago. What was told before this one listened is seen by a snapshot
 * that was asked for after that: so it waits for two beats, begins with the snapshot of the second, and takes what came between them
 * for changed since.
 */
export class Follower {
  readonly #host: FollowerHost;
  #open: string | undefined;
  #waiting: { epoch: string; from: number; heard: ChangedNote[]; tables: PublishedTables | undefined } | undefined;
  #beatAt = -Infinity;
  #clock = { epoch: '', beats: new BeatClock() };

  constructor(host: FollowerHost) {
    this.#host = host;
  }

  get epoch(): string | undefined {
    return this.#open;
  }

  /** When somebody who reads has last said so, on the clock of `performance.now()`. */
  get beatAt(): number {
    return this.#beatAt;
  }

  heard(note: Note): void {
    switch (note.kind) {
      case 'open':
        this.#forget('starting', 'another process begins to read anew');
        break;
      case 'closed':
        this.#forget(note.why, note.reason);
        this.#beatAt = performance.now();
        break;
      case 'changed':
        if (this.#open !== undefined) this.#host.tell(changedEvent(note));
        else this.#remember(note);
        break;
      case 'beat':
        this.#beat(note);
    }
  }

  /** Something was missed. */
  lost(reason: string): void {
    this.#forget('lost', reason);
  }

  #forget(why: Extract<StreamEvent, { type: 'closed' }>['why'], reason: string): void {
    this.#waiting = undefined;
    this.#open = undefined;
    this.#host.tell({ type: 'closed', why, reason });
  }

  #remember(note: ChangedNote): void {
    const { heard } = this.#waiting ?? {};
    heard?.push(note);
    if (heard && heard.length > mostHeard) this.#waiting = undefined;
  }

  #beat({ epoch, number, snapshot, sentAt }: Beat): void {
    if (this.#clock.epoch !== epoch) this.#clock = { epoch, beats: new BeatClock() };
    this.#beatAt = this.#clock.beats.sent(sentAt, performance.now());
    if (this.#open === epoch) {
      this.#host.tell({ type: 'snapshot', snapshot });
      return;
    }
    const waiting = this.#waiting;
    if (waiting?.epoch !== epoch) {
      this.#await(epoch, number);
      return;
    }
    if (!waiting.tables || number <= waiting.from) return;
    this.#waiting = undefined;
    this.#open = epoch;
    this.#host.tell({ type: 'open', epoch, snapshot, tables: waiting.tables });
    for (const note of waiting.heard) this.#host.tell(changedEvent(note));
  }

  #await(epoch: string, from: number): void {
    // Two that read at once, for a moment: what it follows is left for the other one.
    if (this.#open !== undefined) this.#forget('starting', 'another process reads now');
    const waiting = (this.#waiting = { epoch, from, heard: [], tables: undefined as PublishedTables | undefined });
    this.#host.tablesOf(epoch).then(
      (tables) => {
        if (tables) waiting.tables = tables;
        // Asked for again with the next beat.
        else if (this.#waiting === waiting) this.#waiting = undefined;
      },
      () => {
        if (this.#waiting === waiting) this.#waiting = undefined;
      },
    );
  }
}

function changedEvent({ xid, tables }: ChangedNote): StreamEvent {
  return { type: 'changed', xid, tables, truncated: [], ddl: false };
}
