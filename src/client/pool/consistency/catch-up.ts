import { setTimeout as delay } from 'node:timers/promises';
import type { HostState, Topology } from '../topology/index.ts';

/** Between questions to the same replica. */
const APART_MS = 5;
/** After this, the topology's own probes are often enough. */
const GIVE_UP_MS = 200;

/**
 * Asks replicas where they are as long as reads are refused because of it, so that they are read from again a few ms
 * after they have replayed. One question to a replica at a time, 5 ms apart, and less and less often while nobody wants
 * to read. From PostgreSQL 19 on a replica is told to wait (`WAIT FOR LSN`), so that it answers as soon as it has replayed.
 */
export class CatchUp {
  readonly #topology: Topology;
  readonly #following = new Map<HostState, { wanted: bigint; pause: number }>();
  #stopped = false;

  constructor(topology: Topology) {
    this.#topology = topology;
  }

  /** A read was refused that needs a replica to have replayed up to a position. */
  follow(replica: HostState, wanted: bigint): void {
    const followed = this.#following.get(replica);
    if (followed) {
      if (wanted > followed.wanted) followed.wanted = wanted;
      followed.pause = APART_MS;
    } else if (!this.#stopped) {
      this.#following.set(replica, { wanted, pause: APART_MS });
      void this.#ask(replica);
    }
  }

  stop(): void {
    this.#stopped = true;
  }

  async #ask(replica: HostState): Promise<void> {
    for (;;) {
      const { waited } = await this.#topology.probe(replica.name, this.#following.get(replica)?.wanted);
      const followed = this.#following.get(replica);
      if (!followed || this.#stopped || !replica.healthy) break;
      const { pause } = followed;
      followed.pause = pause * 2;
      // The pause comes last also after the last question: whoever is refused next asks again too early otherwise. A server
      // that waits by itself answers when there is news.
      if (!waited) await delay(Math.min(pause, GIVE_UP_MS), undefined, { ref: false });
      const reached = replica.replayedLsn !== undefined && replica.replayedLsn >= followed.wanted;
      if (reached || followed.pause > GIVE_UP_MS) break;
    }
    this.#following.delete(replica);
  }
}
