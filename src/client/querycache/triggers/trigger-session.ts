import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { messageOf } from '../../../errors.ts';
import type { Snapshot } from '../fence/index.ts';
import { closeClient, openClient } from '../stream/client.ts';
import type { Problem } from '../stream/index.ts';
import { refusal, sentences } from '../stream/requirements.ts';
import { ANSWER_MS, type SessionSink, WatchedSession } from '../stream/watched-session.ts';
import { type Definitions, Watcher } from '../stream/watcher.ts';
import { lockTimedOut } from './careful.ts';
import { coverageProblems, coveredTables, familiesOf, mayBeMade, readCoverage } from './coverage.ts';
import { triggersTextSql } from './coverage-sql.ts';
import { Listener } from './listener.ts';
import { makeTriggers } from './make-triggers.ts';
import { MarkLag } from './mark-lag.ts';
import { NotifiedChanges } from './notified-changes.ts';
import type { TriggerSettings } from './settings.ts';
import { checkTriggerRequirements, coverageRefusals } from './trigger-requirements.ts';

/** Whoever tells something by NOTIFY commits alone: a mark waits for those before it, but not longer than this, in ms. */
const MARK_LOCK_MS = 2000;
/** Between attempts to make triggers on tables that could not be locked, in ms. */
const MAKE_AGAIN_MS = 30_000;
/** Of the server's queue of notifications: above this share it is said. When it is full, statements fail. */
const NEARLY_FULL = 0.5;

/** One stretch of the stream from triggers. */
export class TriggerSession extends WatchedSession {
  readonly #settings: TriggerSettings;
  #lag = new MarkLag(performance.now());
  readonly #changes: NotifiedChanges;
  #config: pg.ClientConfig = {};
  #listener: Listener | undefined;
  #remarks: readonly Problem[] = [];
  #leftOut: readonly Problem[] = [];
  #queueUsage = 0;
  #marked = (): void => {};
  /** Triggers are being made, by a connection of their own: that may wait for locks. */
  #maker: Promise<void> | undefined;
  #makerClient: pg.Client | undefined;
  #makeAgainAt = Infinity;

  constructor(settings: TriggerSettings, sink: SessionSink) {
    super(settings, sink);
    this.#settings = settings;
    this.#changes = new NotifiedChanges(settings.keysPerTable);
  }

  get lagMs(): number {
    return this.#lag.ms(performance.now());
  }

  get notes(): string[] {
    const share = Math.round(this.#queueUsage * 100);
    const full: Problem = {
      message: `the server's queue of notifications is ${share} % full, and statements fail when it is full`,
      hint: 'Some session has listened and not taken any for long: end those that are idle in transaction.',
    };
    const queue = this.#queueUsage > NEARLY_FULL ? [full] : [];
    return sentences([...queue, ...this.#remarks, ...this.#leftOut, ...(this.definitions?.problems ?? [])]);
  }

  protected async connect(): Promise<void> {
    const { connection, createTriggers } = this.#settings;
    const config = (this.#config = { ...(await connection()), application_name: 'pitcrew trigger stream' });
    await this.stillWanted();
    const lost = (error: Error): void => this.end(error);
    const watcher = (this.watcher = await Watcher.open(config, ANSWER_MS, lost));
    await watcher.client.query(`SET /* pitcrew */ lock_timeout = ${MARK_LOCK_MS}`);
    const { problems, remarks } = await checkTriggerRequirements(watcher.client, createTriggers);
    this.#remarks = remarks;
    if (problems.length === 0) {
      problems.push(...coverageRefusals(await readCoverage(watcher.client), createTriggers));
    }
    if (problems.length > 0) throw refusal(problems);
    await this.stillWanted();
    this.#make();
    await this.#maker;
    await this.stillWanted();
    const listener = (this.#listener = await Listener.open(
      config,
      ANSWER_MS,
      {
        told: (payload) => this.#told(payload),
        marked: (number, xid) => {
          this.heard();
          this.#lag.came(number, xid);
          this.#marked();
        },
      },
      lost,
    ));
    // Nothing that is kept is older than this.
    this.#lag = new MarkLag(performance.now());
    await this.#comesBack(watcher);
    watcher.unref();
    listener.unref();
  }

  override end(error: Error | undefined): void {
    super.end(error);
    this.#marked();
  }

  /** Ends it, and its connections. */
  async close(): Promise<void> {
    this.end(undefined);
    const maker = this.#makerClient && closeClient(this.#makerClient);
    await Promise.all([this.#listener?.close(), this.watcher?.close(), maker, this.#maker]);
  }

  /** The triggers are read after the text, so that a change in between shows in the next comparison. */
  protected async readDefinitions(watcher: Watcher): Promise<Definitions> {
    const known = await this.readText(watcher);
    const coverage = await readCoverage(watcher.client);
    this.#changes.families = familiesOf(coverage);
    if (this.state !== 'starting' && [...coverage.tables.values()].some(mayBeMade)) this.#make();
    const problems = coverageProblems(coverage);
    return { ...known, tables: coveredTables(coverage), problems };
  }

  protected async readText(watcher: Watcher): Promise<Pick<Definitions, 'snapshot' | 'text'>> {
    const { snapshot, text } = await watcher.definitionsText();
    const { rows } = await watcher.client.query<{ text: string }>({ name: 'pitcrew_triggers', text: triggersTextSql });
    return { snapshot, text: `${text} | ${rows[0]?.text ?? ''}` };
  }

  protected epoch(): string {
    return `triggers.${randomBytes(9).toString('hex')}`;
  }

  protected async look(watcher: Watcher): Promise<Snapshot> {
    const askedAt = performance.now();
    const { snapshot } = await watcher.standing();
    const quiet = this.#lag.isQuiet(snapshot, askedAt);
    if (quiet) this.heard();
    // Only with a mark does the server move on in its queue, and say how full it is.
    if (!quiet || this.#queueUsage > NEARLY_FULL) await this.#mark(watcher, snapshot, askedAt);
    if (performance.now() > this.#makeAgainAt) this.#make();
    return snapshot;
  }

  #told(payload: string): void {
    this.heard();
    if (this.ended || this.state === 'starting') return;
    const change = this.#changes.read(payload);
    if (!change) return;
    this.sink.changed(change);
    if (change.ddl) this.pauseTelling('schema', 'the key of a table was changed');
  }

  async #mark(watcher: Watcher, before: Snapshot, askedAt: number): Promise<void> {
    try {
      const number = this.#lag.next(before, askedAt);
      this.#queueUsage = (await this.#listener?.mark(watcher.client, number)) ?? 0;
    } catch (error) {
      // Some commit takes long, such as one that waits for a standby: that the stream is late will show.
      if (!lockTimedOut(error)) throw error;
    }
  }

  /** A first mark, without which nobody knows whether anything comes at all. */
  async #comesBack(watcher: Watcher): Promise<void> {
    const came = new Promise<boolean>((resolve) => {
      const late = setTimeout(() => resolve(false), ANSWER_MS).unref();
      this.#marked = () => {
        clearTimeout(late);
        resolve(true);
      };
    });
    const askedAt = performance.now();
    const { snapshot } = await watcher.standing();
    await this.#listener?.mark(watcher.client, this.#lag.next(snapshot, askedAt));
    if (!(await came)) throw new Error('no notification comes back: the connection must not go through a pooler');
    this.#marked = () => {};
    await this.stillWanted();
  }

  #make(): void {
    if (!this.#settings.createTriggers || this.#maker || this.ended) return;
    this.#makeAgainAt = Infinity;
    this.#maker = this.#makeNow()
      .catch((error: unknown) => {
        this.#makeAgainAt = performance.now() + MAKE_AGAIN_MS;
        this.#leftOut = [{ message: `triggers could not be made: ${messageOf(error)}`, hint: 'It is tried again.' }];
      })
      .finally(() => (this.#maker = undefined));
  }

  async #makeNow(): Promise<void> {
    const client = (this.#makerClient = await openClient(this.#config, ANSWER_MS, () => {}));
    try {
      if (this.ended) return;
      const { leftOut, again } = await makeTriggers(client);
      this.#leftOut = leftOut;
      if (again) this.#makeAgainAt = performance.now() + MAKE_AGAIN_MS;
    } finally {
      this.#makerClient = undefined;
      await closeClient(client);
    }
  }
}
