import { messageOf, PitcrewError } from '../../../errors.ts';
import { loadParser } from '../../../sql/index.ts';
import type { DatabaseMonitor, MonitorLogger } from '../../monitor/index.ts';
import type { PlanChange, StatementTotals, Store } from '../../store/index.ts';
import { planShape } from '../explain/index.ts';
import { choose, isPlannable, type Planned } from './choose.ts';
import { judge, type Measured, measureOf, settledAfterMs } from './judge.ts';

export interface PlanKeeperOptions {
  monitor: DatabaseMonitor;
  store: Store;
  logger: MonitorLogger;
  /** Between two rounds, in ms; a minute by default. */
  everyMs?: number;
}

/** Statements planned in a round: planning takes about a millisecond each. */
const plansPerRound = 4;
/** The statements that took the most time in so long are planned in turn. */
const busiest = { most: 20, withinMs: 15 * 60_000 };
/** What cannot be planned is left alone for so long. */
const unplannableMs = 3_600_000;
/** Time is measured so long before a change, and so long after. */
const measuredMs = 3_600_000;
/** Statements are counted in buckets of this width. What was counted while the change was noticed belongs to neither side. */
const bucketMs = 10_000;
const mostJudged = 50;

/**
 * Keeps the plans of the statements that take the most time, and notices when they change. A few statements are planned each minute,
 * never run; only the daemon that writes the history does so. Plans are generic (without values of parameters): they change when indexes
 * or statistics do.
 */
export class PlanKeeper {
  readonly #options: PlanKeeperOptions;
  readonly #planned = new Map<number, Planned>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #complaint: string | undefined;
  #stopped = false;

  constructor(options: PlanKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.runNow(), this.#options.everyMs ?? 60_000).unref();
  }

  /** One round now, or the one under way. Never throws: what fails is told to the log, and tried again. */
  runNow(): Promise<void> {
    this.#running ??= this.#round()
      .then(() => {
        this.#complaint = undefined;
      })
      .catch((error: unknown) => this.#complain(error))
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  async #round(): Promise<void> {
    const { monitor } = this.#options;
    // Another daemon does it, or there is nobody to ask.
    if (this.#stopped || monitor.status().connection !== 'watching') return;
    await loadParser();
    const now = Date.now();
    const candidates = await this.#candidates(now);
    for (const statement of choose(candidates, this.#planned, now, plansPerRound)) {
      if (this.#stopped) return;
      await this.#plan(statement, now);
    }
    this.#forget(candidates);
    await this.#judgeAll(new Date(now));
  }

  async #candidates(now: number): Promise<StatementTotals[]> {
    const { monitor, store } = this.#options;
    const { statements } = await store.history.statements({
      targetId: monitor.targetId,
      from: new Date(now - busiest.withinMs),
      to: new Date(now),
      orderBy: 'totalExecUs',
      limit: busiest.most,
    });
    const database = monitor.status().server?.database;
    return statements.filter((statement) => isPlannable(statement, database));
  }

  async #plan({ id, text }: StatementTotals, now: number): Promise<void> {
    const { monitor, store } = this.#options;
    try {
      const { plan, generic, totalCost } = await monitor.explain({ text: text ?? '' });
      this.#planned.set(id, { at: now, notBefore: 0 });
      const shape = planShape(plan);
      if (shape === undefined) return;
      const seen = { targetId: monitor.targetId, statementId: id, shape, plan, generic, totalCost, at: new Date() };
      await store.keepPlan(seen);
    } catch (error) {
      const refused = error instanceof PitcrewError && /^E_(?:QUERY|UNSUPPORTED|BAD_REQUEST)$/.test(error.code);
      if (!refused) throw error;
      // A lock is gone soon; a table that is not found under our search_path stays so.
      const locked = error.sqlState === '55P03' || error.sqlState === '57014';
      this.#planned.set(id, { at: now, notBefore: locked ? 0 : now + unplannableMs });
    }
  }

  #forget(candidates: readonly StatementTotals[]): void {
    if (this.#planned.size < 20 * busiest.most) return;
    const kept = new Set(candidates.map(({ id }) => id));
    for (const id of this.#planned.keys()) if (!kept.has(id)) this.#planned.delete(id);
  }

  /** Measures what the changes of the last day have done. */
  async #judgeAll(now: Date): Promise<void> {
    const { monitor, store } = this.#options;
    const changes = await store.history.planChanges({
      targetId: monitor.targetId,
      from: new Date(now.getTime() - settledAfterMs - measuredMs),
      to: now,
      verdicts: ['pending', 'slower', 'faster'],
      limit: mostJudged,
    });
    for (const change of changes) await this.#judge(change, now);
  }

  async #judge(change: PlanChange, now: Date): Promise<void> {
    const { store } = this.#options;
    const next = await this.#nextChange(change);
    const end = Math.min((next?.seenBefore ?? now).getTime(), change.at.getTime() + settledAfterMs);
    const [before, after] = await Promise.all([
      this.#measure(change.statementId, change.seenBefore.getTime() - measuredMs, change.seenBefore.getTime()),
      this.#measure(change.statementId, change.at.getTime() + this.#cadenceMs + bucketMs, end),
    ]);
    const age = next ? settledAfterMs : now.getTime() - change.at.getTime();
    const verdict = judge(before, after, age);
    if (verdict === change.verdict && after.calls === change.after.calls) return;
    await store.judgePlanChange({ id: change.id, verdict, before, after });
    if (verdict !== change.verdict) this.#tell({ ...change, verdict, before, after });
  }

  async #nextChange({ statementId, at }: PlanChange): Promise<PlanChange | undefined> {
    const { monitor, store } = this.#options;
    const { changes } = await store.history.plans({ targetId: monitor.targetId, statementId });
    return changes.findLast((other) => other.at > at);
  }

  get #cadenceMs(): number {
    return this.#options.monitor.status().collectors.find(({ name }) => name === 'statements')?.cadenceMs ?? 0;
  }

  /** What a statement took in the whole buckets of a time. */
  async #measure(statementId: number, start: number, end: number): Promise<Measured> {
    const from = Math.floor(start / bucketMs) * bucketMs;
    const to = Math.floor(end / bucketMs) * bucketMs;
    if (to <= from) return measureOf([]);
    const { monitor, store } = this.#options;
    const series = await store.history.statementSeries({
      targetId: monitor.targetId,
      ids: [statementId],
      from: new Date(from),
      to: new Date(to),
      step: bucketMs / 1000,
    });
    return measureOf(series.get(statementId)?.points ?? []);
  }

  #tell({ statementId, verdict, at, before, after }: PlanChange): void {
    const { monitor, logger } = this.#options;
    const database = monitor.name;
    if (verdict === 'slower') {
      const figures = { meanMsBefore: before.meanUs / 1000, meanMsAfter: after.meanUs / 1000 };
      logger.warn({ database, statementId, changedAt: at, ...figures }, 'a statement is slower since its plan changed');
    }
    monitor.announce({ type: 'plan', database, statementId, verdict, at });
  }

  #complain(error: unknown): void {
    const reason = messageOf(error);
    if (reason === this.#complaint) return;
    this.#complaint = reason;
    this.#options.logger.info(
      { database: this.#options.monitor.name, reason },
      'plans could not be kept; tried again later',
    );
  }
}

/** Keeps plans of a watched database until `stop`. See `PlanKeeper`. */
export function keepPlans(options: PlanKeeperOptions): PlanKeeper {
  const keeper = new PlanKeeper(options);
  keeper.start();
  return keeper;
}
