import { randomBytes } from 'node:crypto';
import { ReplicationConnection, type SystemIdentity } from '../../../engine/postgres/replication/index.ts';
import type { Snapshot } from '../fence/index.ts';
import { ChangeCollector } from './change-collector.ts';
import { Lag } from './lag.ts';
import { makePublication } from './publication.ts';
import { checkRequirements, type Problem, refusal, sentences } from './requirements.ts';
import type { Settings } from './settings.ts';
import { takeSlot } from './slot.ts';
import { ANSWER_MS, type SessionSink, WatchedSession } from './watched-session.ts';
import { type Definitions, Watcher } from './watcher.ts';

/** After the server has said that it is not there yet, in ms. */
const ASK_AGAIN_MS = 10;

/** One stretch of the stream from logical replication. Beginning takes as long as the longest transaction that has written by then. */
export class StreamSession extends WatchedSession {
  readonly #settings: Settings;
  #lag = new Lag(performance.now());
  #replication: ReplicationConnection | undefined;
  #collector: ChangeCollector | undefined;
  #identity: SystemIdentity | undefined;
  #leftOut: readonly Problem[] = [];
  #askAgain: NodeJS.Timeout | undefined;
  /** Until running transactions are over. */
  #takingSlot = false;

  constructor(settings: Settings, sink: SessionSink) {
    super(settings, sink);
    this.#settings = settings;
  }

  get lagMs(): number {
    return this.#lag.ms(performance.now());
  }

  get notes(): string[] {
    return sentences([...this.#leftOut, ...(this.definitions?.problems ?? [])]);
  }

  protected async connect(): Promise<void> {
    const { connection, publication, createPublication, permanentSlot } = this.#settings;
    // Always under this name: under that of a standby it would count as one.
    const config = { ...(await connection()), application_name: 'pitcrew change stream' };
    await this.stillWanted();
    const watcher = (this.watcher = await Watcher.open(config, ANSWER_MS, (error) => this.end(error)));
    const found = await checkRequirements(watcher.client, this.#settings);
    if (found.problems.length > 0) throw refusal(found.problems);
    if (createPublication) {
      this.#leftOut = await makePublication(watcher.client, publication, createPublication, found);
    }
    await this.stillWanted();
    const replication = (this.#replication = await ReplicationConnection.open(config));
    this.#identity = await replication.identify();
    this.#takingSlot = true;
    const slot = await takeSlot(replication, permanentSlot, found);
    this.#takingSlot = false;
    this.definitions = await watcher.definitions(publication);
    const collector = (this.#collector = this.#collect(this.definitions.snapshot.xmax));
    await replication.start(
      { slot, publications: [publication] },
      {
        message: (bytes, at) => {
          this.heard();
          collector.message(bytes, at);
        },
        reached: (walEnd) => {
          this.heard();
          this.#reached(walEnd);
        },
        ended: (error) => this.end(error ?? new Error('the server has ended the stream')),
      },
    );
    await this.stillWanted();
    // Nothing that is kept is older than this.
    this.#lag = new Lag(performance.now());
    watcher.unref();
    replication.unref();
  }

  override end(error: Error | undefined): void {
    clearTimeout(this.#askAgain);
    super.end(error);
  }

  /** Ends it, and both connections. */
  async close(): Promise<void> {
    this.end(undefined);
    const processId = this.#replication?.processId;
    if (this.#takingSlot && processId) await this.watcher?.cancel(processId);
    await Promise.all([this.#replication?.close(), this.watcher?.close()]);
  }

  protected readDefinitions(watcher: Watcher): Promise<Definitions> {
    return watcher.definitions(this.#settings.publication);
  }

  protected readText(watcher: Watcher): Promise<Pick<Definitions, 'snapshot' | 'text'>> {
    return watcher.definitionsText();
  }

  protected epoch(): string {
    const { systemId, timeline } = this.#identity ?? { systemId: '', timeline: 0 };
    return `${systemId}.${timeline}.${randomBytes(6).toString('hex')}`;
  }

  protected async look(watcher: Watcher): Promise<Snapshot> {
    const askedAt = performance.now();
    const { insertLsn, snapshot } = await watcher.standing();
    if (this.ended) return snapshot;
    this.#lag.marked(insertLsn, askedAt);
    this.#replication?.ask();
    if (this.#lag.behind && this.lagMs > this.#settings.maxLagMs / 2 && this.#collector?.inTransaction === false) {
      await watcher.nudge();
    }
    return snapshot;
  }

  #collect(near: number): ChangeCollector {
    return new ChangeCollector(near, {
      keysPerTable: this.#settings.keysPerTable,
      keyColumns: (oid) => this.definitions?.tables.get(oid)?.keyColumns,
      changed: (change) => {
        if (this.ended || this.state === 'starting') return;
        this.sink.changed(change);
        if (!change.ddl) return;
        // A message outside of one names no transaction of its own.
        const changedBy = this.#collector?.inTransaction ? change.xid : undefined;
        this.pauseTelling('schema', 'the definition of a table was changed', changedBy);
      },
      committed: (endLsn) => {
        this.#replication?.confirm(endLsn);
        this.#lag.reached(endLsn);
      },
    });
  }

  #reached(walEnd: bigint): void {
    // Within a transaction, what comes after is not told yet.
    if (this.ended || this.#collector?.inTransaction !== false) return;
    this.#replication?.confirm(walEnd);
    this.#lag.reached(walEnd);
    if (!this.#lag.behind) return;
    clearTimeout(this.#askAgain);
    this.#askAgain = setTimeout(() => this.#replication?.ask(), ASK_AGAIN_MS).unref();
  }
}
