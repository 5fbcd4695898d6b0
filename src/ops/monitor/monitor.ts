import type { Config } from '../../config/index.ts';
import {
  addressOf,
  type ColumnRow,
  everyDatabase,
  type Skipped,
  isSameServer,
  noConnectionLeft,
} from '../../engine/postgres/index.ts';
import { messageOf } from '../../errors.ts';
import type { Store } from '../store/index.ts';
import { collectorNames, shares, windowMs } from './collecting.ts';
import { ActivityCollector } from './collectors/activity.ts';
import { covered, type CountingCollector, type Found, type MetricGroup } from './collectors/collector.ts';
import { HostCollector } from './collectors/host.ts';
import { InstanceCollector } from './collectors/instance.ts';
import { SlowCollector } from './collectors/slow.ts';
import { StatementsCollector } from './collectors/statements.ts';
import { TablesCollector } from './collectors/tables.ts';
import { Actions, type AllowedActions } from './connection/actions.ts';
import { Link, reasonOf } from './connection/link.ts';
import { type BackupFacts, createHealthWindow, healthReport } from './health/index.ts';
import { LatestMetrics } from './latest.ts';
import { Listeners } from './listeners.ts';
import { type MonitorLogger, silentLogger } from './logger.ts';
import { OwnCost } from './own-cost.ts';
import { Recorder } from './recording/recorder.ts';
import { CollectorLoop } from './schedule/collector-loop.ts';
import type { Budget } from './schedule/pace.ts';
import { within } from './schedule/within.ts';
import { allSkipped, isLocal, serverFacts } from './server-facts.ts';
import type { TargetStatements } from './statement-scopes.ts';
import type {
  ActivitySnapshot,
  CollectorName,
  CollectorState,
  DatabaseMonitor,
  HealthReport,
  LatestMetric,
  MonitorEvent,
  MonitorStatus,
  PlanAnswer,
  PlanRequest,
  SettingState,
  TableState,
  TopStatements,
} from './types.ts';

export interface MonitorOptions {
  /** The database's name in the configuration. */
  name: string;
  url: string;
  config: Config['monitor'];
  /** Whose statements are read where several databases of one server are watched: see `statementScopes`. All by default. */
  statements?: TargetStatements | undefined;
  /** What may be done to the database; nothing by default. */
  actions?: AllowedActions;
  /** How its backups are; without it they are taken for not being made. */
  backups?: () => BackupFacts | null | undefined;
  /** Where history is written; without it everything live works all the same. */
  store?: Store | undefined;
  logger?: MonitorLogger;
}

/** Watches one database from now on. See `DatabaseMonitor`. */
export class Monitor implements DatabaseMonitor {
  readonly name: string;
  readonly #options: MonitorOptions;
  readonly #logger: MonitorLogger;
  readonly #address: string;
  readonly #link: Link;
  readonly #recorder: Recorder;
  readonly #actions: Actions;
  readonly #loops: ReadonlyMap<CollectorName, CollectorLoop>;
  readonly #activity = new ActivityCollector();
  readonly #statements: StatementsCollector;
  readonly #instance = new InstanceCollector();
  readonly #tables = new TablesCollector();
  readonly #slow = new SlowCollector();
  readonly #host = new HostCollector();
  readonly #latest = new LatestMetrics();
  readonly #healthWindow = createHealthWindow();
  readonly #ownCost = new OwnCost();
  readonly #skipped = new Map<CollectorName, Skipped[]>();
  readonly #listeners: Listeners;
  #identity: string | undefined;
  #shownConnection: string | undefined;
  #shownHealth: string | undefined;
  #stopped = false;

  constructor(options: MonitorOptions) {
    const { name, url, config, store } = options;
    this.name = name;
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#listeners = new Listeners(this.#logger);
    this.#address = addressOf(url);
    this.#statements = new StatementsCollector({
      slowStatementMs: config.slowStatement,
      withTexts: store !== undefined,
      scope: options.statements?.scope ?? everyDatabase,
    });
    this.#link = new Link({
      url,
      statementTimeoutMs: config.statementTimeout,
      lockTimeoutMs: config.lockTimeout,
      onChange: () => this.#connectionChanged(),
    });
    this.#actions = new Actions(this.#link, options.actions);
    this.#recorder = new Recorder({ name, store, logger: this.#logger, onChange: () => this.#connectionShown(null) });
    const work: Record<CollectorName, () => Promise<void>> = {
      activity: () => this.#sampleActivity(),
      statements: () => this.#count('statements', this.#statements),
      instance: () => this.#countInstance(),
      tables: () => this.#count('tables', this.#tables),
      slow: () => this.#readSlow(),
    };
    this.#loops = new Map(
      collectorNames.map((collector) => [
        collector,
        new CollectorLoop({
          name: collector,
          cadenceMs: config.cadence[collector],
          work: work[collector],
          ...this.#budget(collector),
          onRun: (state, error) => this.#ran(state, error),
        }),
      ]),
    );
    this.#recorder.start();
    this.#link.start();
  }

  get targetId(): number {
    return this.#recorder.targetId;
  }

  status(): MonitorStatus {
    const { state, since, error, profile, connections } = this.#link;
    const elsewhere = state === 'watching' && this.#recorder.state === 'elsewhere';
    return {
      database: this.name,
      targetId: this.targetId,
      connection: elsewhere ? 'standby-daemon' : state,
      since,
      message: elsewhere ? 'another daemon writes the history of this database' : reasonOf(error),
      hint: elsewhere ? 'It is watched live; when the other daemon ends, this one takes over.' : (error?.hint ?? null),
      noConnectionLeft: noConnectionLeft(error),
      address: this.#address,
      server: profile ? serverFacts(profile, this.#options.config.cpus ?? this.#host.cpus) : null,
      collectors: [...this.#loops.values()].map((loop) => loop.state),
      skipped: allSkipped(profile, this.#skipped.values()),
      ownCost: this.#ownCost.view(connections),
    };
  }

  activity(): ActivitySnapshot | undefined {
    return this.#activity.snapshot;
  }

  latest(): ReadonlyMap<string, LatestMetric> {
    return this.#latest.current(Date.now());
  }

  tables(): TableState[] {
    return this.#tables.states ?? [];
  }

  settings(): SettingState[] {
    return this.#slow.settings ?? [];
  }

  health(): HealthReport {
    const now = new Date();
    return healthReport({
      now,
      status: this.status(),
      latest: this.latest(),
      window: this.#healthWindow.view(now),
      once: !this.#options.store,
      activity: this.activity(),
      tables: this.#tables.states,
      settings: this.#slow.settings,
      slots: this.#instance.view.slots,
      sequences: this.#slow.sequences,
      invalidIndexes: this.#tables.invalidIndexes,
      walReceiver: this.#instance.view.walReceiver,
      checksumFailures: this.#instance.view.checksumFailures,
      backups: this.#options.backups ? this.#options.backups() : null,
      hostIsLocal: this.#local,
    });
  }

  explain(request: PlanRequest): Promise<PlanAnswer> {
    return this.#actions.explain(request);
  }

  topStatements(span: 'ever' | 'lately', most: number): Promise<TopStatements> {
    const scope = this.#options.statements?.scope ?? everyDatabase;
    return this.#actions.topStatements(scope, most, span === 'lately' ? this.#statements.busiest : undefined);
  }

  columns(tables: readonly string[]): Promise<ColumnRow[]> {
    return this.#actions.columns(tables);
  }

  cancelSession(pid: number): Promise<boolean> {
    return this.#actions.cancelSession(pid);
  }

  terminateSession(pid: number): Promise<boolean> {
    return this.#actions.terminateSession(pid);
  }

  resetStatements(): Promise<void> {
    return this.#actions.resetStatements();
  }

  async collectNow(collectors: readonly CollectorName[] = collectorNames): Promise<void> {
    await this.#link.settled;
    if (this.#link.state !== 'watching' || this.#stopped) return;
    // What fails is told by the collector's state.
    await Promise.allSettled(collectors.map((collector) => this.#loops.get(collector)?.runNow()));
  }

  onEvent(listener: (event: MonitorEvent) => void): () => void {
    return this.#listeners.add(listener);
  }

  announce(event: MonitorEvent): void {
    this.#listeners.tell(event);
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const loop of this.#loops.values()) loop.pause('stopped');
    await Promise.all([this.#link.stop(), this.#recorder.stop()]);
    // A run can still wait for the store.
    await within(1500, Promise.all([...this.#loops.values()].map((loop) => loop.idle())));
    this.#writeWindow(Date.now(), 0);
    this.#listeners.clear();
  }

  async #sampleActivity(): Promise<void> {
    const connection = this.#link.quick();
    const at = Date.now();
    const writing = await this.#recorder.prepare('activity', () => {});
    const { now, skipped } = await this.#activity.collect({ connection, profile: this.#link.known(), at });
    this.#skipped.set('activity', skipped);
    this.#latest.publish('activity', now, at, 0, this.#validMs('activity'));
    this.#writeWindow(at, windowMs - this.#options.config.cadence.activity / 2, writing);
  }

  #writeWindow(at: number, ms: number, writing = this.#recorder.state === 'writing'): void {
    const window = this.#activity.takeWindow(at, ms);
    if (!window) return;
    const batch = {
      at: new Date(at),
      seconds: window.seconds,
      metrics: covered('activity', window.seconds, window.metrics),
    };
    this.#healthWindow.add(batch);
    if (writing) this.#recorder.append('activity', batch);
  }

  async #countInstance(): Promise<void> {
    const host = this.#local ? [await this.#host.collect(this.#dataDirectory())] : [];
    await this.#count('instance', this.#instance, host);
    const { inRecovery } = this.#instance.view;
    if (inRecovery === undefined || inRecovery === this.#link.known().isStandby) return;
    this.#identity = (await this.#link.probe()).identity;
    this.#connectionShown(inRecovery ? 'the server is a standby now' : 'the server was promoted: it is a primary now');
  }

  get #local(): boolean {
    return isLocal(this.#options.url, this.#link.profile);
  }

  #dataDirectory(): string | undefined {
    return this.#slow.settings?.find(({ name }) => name === 'data_directory')?.value || undefined;
  }

  /** Runs a collector and hands on what it found, and what else was read with it. */
  async #count(name: CollectorName, collector: CountingCollector, more: MetricGroup[] = []): Promise<void> {
    const connection = await this.#link.thorough();
    const writing = await this.#recorder.prepare(name, async (stored, store) => {
      collector.load(stored);
      if (collector === this.#statements) {
        this.#statements.loadTexted(await store.knownStatements(this.#recorder.targetId));
      }
      if (collector === this.#tables) {
        this.#tables.loadListed(await store.listedRelations(this.#recorder.targetId));
      }
    });
    const at = Date.now();
    const found = await collector.collect({ connection, profile: this.#link.known(), at });
    this.#handOn(name, at, { ...found, groups: [...found.groups, ...more] }, writing);
  }

  #handOn(name: CollectorName, at: number, { groups, skipped, ...found }: Found, writing: boolean): void {
    this.#skipped.set(name, skipped);
    for (const { source, samples, seconds } of groups) {
      this.#latest.publish(source, samples, at, seconds, this.#validMs(name));
    }
    const metrics = covered(
      name,
      found.seconds,
      groups.flatMap(({ samples }) => samples),
    );
    const batch = { at: new Date(at), ...found, metrics };
    this.#healthWindow.add(batch);
    if (name === 'statements') this.#ownCost.add(at, found.seconds, metrics);
    if (writing) this.#recorder.append(name, batch);
  }

  async #readSlow(): Promise<void> {
    const connection = await this.#link.thorough();
    const writing = await this.#recorder.prepare('slow', () => {});
    const at = Date.now();
    const profile = await this.#link.probe();
    this.#identity = profile.identity;
    const { groups, skipped } = await this.#slow.collect({ connection, profile, at });
    this.#handOn('slow', at, { groups, skipped, seconds: 0 }, writing);
  }

  #budget(collector: CollectorName): { budget?: Budget } {
    const whole = shares[collector];
    if (whole === undefined) return {};
    const share = collector === 'statements' ? whole / (this.#options.statements?.readers ?? 1) : whole;
    return { budget: { share, spentMs: () => this.#link.thoroughMs } };
  }

  /** How long a collector's values count as current. */
  #validMs(collector: CollectorName): number {
    return 3 * (this.#loops.get(collector)?.state.cadenceMs ?? this.#options.config.cadence[collector]);
  }

  #ran(state: CollectorState, error: unknown): void {
    if (this.#stopped) return;
    const fields = { database: this.name, collector: state.name };
    if (state.state === 'failing') this.#logger.warn({ ...fields, reason: messageOf(error) }, 'a collector failed');
    if (state.state === 'backing-off')
      this.#logger.debug({ ...fields, reason: messageOf(error) }, 'a collector failed again');
    if (error !== undefined) {
      this.#link.check(error);
      return;
    }
    this.#listeners.tell({
      type: 'sample',
      database: this.name,
      collector: state.name,
      at: state.lastSuccess ?? new Date(),
    });
    if (state.name === 'instance') this.#healthShown();
  }

  #connectionChanged(): void {
    const { state, error, profile } = this.#link;
    if (state !== 'watching') {
      for (const loop of this.#loops.values()) loop.pause(error?.message ?? state);
      this.#activity.clear();
      this.#connectionShown(null);
      return;
    }
    const other = this.#identity !== undefined && !isSameServer(this.#identity, profile?.identity ?? '');
    this.#identity = profile?.identity;
    if (other) {
      this.#healthWindow.clear();
      this.#latest.clear();
    }
    this.#connectionShown(other ? 'another server answers than before: its counters are taken as a new start' : null);
    for (const loop of this.#loops.values()) loop.resume();
  }

  /** Tells listeners and the log of the connection, when it is another than last told or there is something to say. */
  #connectionShown(notice: string | null): void {
    const { connection, message, hint } = this.status();
    // Before the first try has ended there is nothing to tell.
    if (connection === 'connecting') return;
    const shown = `${connection} ${message}`;
    if (shown === this.#shownConnection && notice === null) return;
    this.#shownConnection = shown;
    const told = notice ?? message;
    const fields = { database: this.name, address: this.#address, connection, ...(told ? { reason: told } : {}) };
    if (connection === 'watching' || connection === 'standby-daemon')
      this.#logger.info(fields, 'watching the database');
    else this.#logger.warn({ ...fields, hint }, 'the database cannot be watched');
    this.#listeners.tell({ type: 'connection', database: this.name, connection, message: told });
  }

  #healthShown(): void {
    const { score, grade, status } = this.health();
    const shown = `${score} ${grade} ${status}`;
    if (shown === this.#shownHealth) return;
    this.#shownHealth = shown;
    this.#listeners.tell({ type: 'health', database: this.name, score, grade, status });
  }
}
