import type pg from 'pg';
import { destroy, peerOf } from '../driver.ts';
import { askForSessions, type SessionState } from './session-question.ts';

/** A connection on which a statement is under way. */
export interface Watched {
  client: pg.ClientBase;
  /** Silence that is unusual, in ms. */
  patienceMs: number;
}

interface Silence {
  bytes: number;
  since: number;
  /** When the server is to be asked. */
  askAt: number;
  /** Answers in a row by which the connection is dead. */
  dead: number;
}

/** One answer may have been overtaken by what it tells of. */
const answersToBelieve = 2;
const againAfterMs = 250;
const longestPauseMs = 60_000;

/**
 * Finds connections whose peer is gone without a word: the network was cut, a firewall has forgotten them, the server hangs. TCP
 * alone gives up a statement that was sent only after a quarter of an hour. A statement may well take long, so the server is
 * asked: one that still works on it is left in peace.
 */
export class Watchdog {
  readonly #config: pg.ClientConfig;
  readonly #underWay: () => Iterable<Watched>;
  readonly #silences = new Map<pg.ClientBase, Silence>();
  #timer: NodeJS.Timeout | undefined;
  #asking = false;

  /** @param underWay connections on which a statement is under way now */
  constructor(config: pg.ClientConfig, underWay: () => Iterable<Watched>) {
    this.#config = config;
    this.#underWay = underWay;
  }

  /** Looks so often, in ms; the sockets of those who wait keep the process alive. */
  start(everyMs: number): void {
    this.#timer ??= setInterval(() => this.#look(), everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#silences.clear();
  }

  #look(): void {
    if (this.#asking) return;
    const now = performance.now();
    const suspects: pg.ClientBase[] = [];
    const seen = new Set<pg.ClientBase>();
    for (const { client, patienceMs } of this.#underWay()) {
      const peer = peerOf(client);
      if (!peer) continue;
      seen.add(client);
      const silence = this.#silences.get(client);
      // What a process that was held up has not read yet counts as said from the next look on.
      if (!silence || silence.bytes !== peer.bytesRead) {
        this.#silences.set(client, { bytes: peer.bytesRead, since: now, askAt: now + patienceMs, dead: 0 });
      } else if (now >= silence.askAt) {
        suspects.push(client);
      }
    }
    for (const client of this.#silences.keys()) if (!seen.has(client)) this.#silences.delete(client);
    if (suspects.length > 0) void this.#ask(suspects);
  }

  async #ask(suspects: readonly pg.ClientBase[]): Promise<void> {
    this.#asking = true;
    const stateOf = await askForSessions(this.#config, suspects);
    this.#asking = false;
    for (const client of suspects) this.#judge(client, stateOf(client));
  }

  #judge(client: pg.ClientBase, state: SessionState): void {
    const silence = this.#silences.get(client);
    if (!silence || silence.bytes !== peerOf(client)?.bytesRead) return;
    const now = performance.now();
    if (state === 'works' || state === 'not known') {
      silence.dead = 0;
      // The longer it takes the less often it is asked for.
      silence.askAt = now + Math.min(now - silence.since, longestPauseMs);
      return;
    }
    silence.dead += 1;
    silence.askAt = now + againAfterMs;
    if (silence.dead < answersToBelieve) return;
    this.#silences.delete(client);
    destroy(client);
  }
}
