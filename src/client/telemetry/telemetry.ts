import type { StatementDescription } from '../../sql/index.ts';
import type { AcquireOutcome, EndpointRole, PoolObserver, PoolWarning, StatementOutcome } from '../observer.ts';
import { messageOf } from '../../errors.ts';
import { currentScope, measureScopeMemory } from '../scope.ts';
import type { CacheIncrease } from './caches/increase.ts';
import { type ObserveCacheOptions, ObservedCaches } from './caches/observed-caches.ts';
import type { CacheCommand, CacheCommandResult, ReportedCache } from './caches/reported-cache.ts';
import { Callers } from './callers.ts';
import { channels } from './channels.ts';
import { Findings, type RepeatedFinding } from './findings.ts';
import {
  type RepeatedStatement,
  type ResolvedTelemetryOptions,
  resolveTelemetry,
  slowMsOf,
  type TelemetryOptions,
} from './options.ts';
import { type OtelRecorder, otelIsRegistered } from './otel/index.ts';
import { ParameterSampler } from './parameters/sampler.ts';
import { PoolCounters, type PoolCounts, type PoolEndpoint, type PoolIncrease } from './pool-counters.ts';
import { quietly } from './quietly.ts';
import { Rate } from '../rate.ts';
import { ScopeCalls, type ScopeWork } from './scope-calls.ts';
import type { ScopeIncrease, ScopeSummary } from './scope-stats.ts';
import { SlowLog } from './slow-log.ts';
import { type StatementSummary, summaryOf } from './snapshot.ts';
import { type StatementIncrease, StatementStats } from './statement-stats.ts';
import { StatementTable } from './statement-table.ts';
import { type Timer, type TimerIncrease, Timers, type TimerStats } from './timers.ts';

/** What was counted since the application started. */
export interface TelemetrySnapshot {
  /** Those that took most time first. */
  statements: StatementSummary[];
  /** Times that a statement was used too little to be kept apart, and is counted in `other statements` since. */
  crowdedOut: number;
  /** What kinds of requests and jobs did, as far as they have ended; those that took most time first. */
  scopes: ScopeSummary[];
  /** Lines that call a statement again and again in one request. */
  repeated: RepeatedFinding[];
  pool: PoolCounts;
  timers: TimerStats[];
}

/** What was counted since it was last taken. */
export interface TelemetryInterval {
  statements: StatementIncrease[];
  /** Values of parameters are kept. */
  samplesParameters: boolean;
  repeated: RepeatedFinding[];
  scopes: ScopeIncrease[];
  timers: TimerIncrease[];
  /** `undefined` when the pool did nothing. */
  pool: PoolIncrease | undefined;
  caches: CacheIncrease[];
}

/** Looks at the stack for statistics, per second: 12 µs each, so a quarter of a hundredth of a CPU. */
const looksPerSecond = 200;

/** What is remembered of a statement under way, besides the statement itself. */
interface Started {
  site: string | undefined;
  work: ScopeWork | undefined;
  otel: unknown;
}

/** Statistics of what an application asks of its database, from which line and in which request. An observer of the pool. */
export class Telemetry implements PoolObserver {
  readonly #options: ResolvedTelemetryOptions;
  readonly #slowLog: SlowLog;
  readonly #findings: Findings;
  readonly #scopeCalls: ScopeCalls;
  readonly #timers = new Timers();
  readonly #looks = new Rate(looksPerSecond);
  readonly #callers: Callers;
  readonly #statements: StatementTable;
  readonly #parameters: ParameterSampler | undefined;
  readonly #pool = new PoolCounters();
  readonly #caches = new ObservedCaches();
  #database: string | undefined;
  #otel: OtelRecorder | undefined;
  #otelStarting: Promise<void> | undefined;

  /** @throws `E_CONFIG` for options that make no sense */
  constructor(options: TelemetryOptions = {}) {
    this.#options = resolveTelemetry(options);
    const { maxStatements, repeatedCalls, slow, parameters, ignoreCallers, includeCallers, memory, otel } =
      this.#options;
    this.#slowLog = new SlowLog(this.#options);
    this.#callers = new Callers(ignoreCallers, includeCallers);
    this.#statements = new StatementTable(maxStatements, (kind) => slowMsOf(slow, kind));
    this.#parameters = parameters && new ParameterSampler(parameters);
    this.#findings = new Findings((finding) => this.#repeated(finding));
    this.#scopeCalls = new ScopeCalls({
      threshold: repeatedCalls,
      statsOf: (description) => this.#statements.of(description),
      findings: this.#findings,
    });
    if (memory) measureScopeMemory();
    if (otel) this.#startOtel();
    else this.#followOtel();
  }

  /** Resolves when OpenTelemetry, where it is wanted, has been loaded. What was before that is not in its metrics. */
  get ready(): Promise<void> {
    return this.#otelStarting ?? Promise.resolve();
  }

  statementStarted(description: StatementDescription | undefined): unknown {
    const stats = this.#statements.of(description);
    const scope = currentScope();
    const call = scope && this.#scopeCalls.count(scope, description);
    const use = call?.use;
    let site: string | undefined;
    const watched = use !== undefined && use.looksLeft > 0;
    if (stats.looks.due() || watched) {
      if (watched || this.#looks.take(performance.now())) {
        site = this.#callers.line(this.statementStarted);
        stats.seenAt(site);
        if (use) this.#scopeCalls.saw(use, site);
      } else {
        stats.looks.postpone();
      }
    }
    // Nothing more to remember: the usual case allocates nothing.
    if (site === undefined && !call && !this.#otel) return stats;
    return { site, work: call?.work, otel: this.#otel?.started() } satisfies Started;
  }

  statementEnded(started: unknown, outcome: StatementOutcome): void {
    const own = started instanceof StatementStats ? started : undefined;
    const { site, work, otel } = own ? nothing : ((started ?? nothing) as Started);
    const { durationMs } = outcome;
    const stats = own?.current ?? this.#statements.of(outcome.description);
    stats.record(outcome);
    this.#parameters?.ended(stats, outcome);
    if (work) work.statementMs += durationMs;
    if (durationMs >= stats.slowMs) {
      // Values are the application's own objects, and may throw when they are shown.
      quietly(() => this.#slowLog.add(outcome, site ?? stats.sites.top, work?.scope.name));
    }
    if (this.#otel) this.#otel.ended(otel, outcome);
    if (channels.statement.hasSubscribers) {
      channels.statement.publish({ ...outcome, callSite: site ?? stats.sites.only, scope: work?.scope.name });
    }
  }

  acquired(outcome: AcquireOutcome): void {
    this.#pool.acquired(outcome);
    this.#otel?.acquired(outcome);
    if (channels.acquire.hasSubscribers) channels.acquire.publish(outcome);
  }

  released(endpoint: string, role: EndpointRole, heldMs: number): void {
    this.#otel?.released(endpoint, role, heldMs);
  }

  connectionOpened(endpoint: string, tookMs: number, error: Error | undefined): void {
    this.#followOtel();
    this.#pool.opened(tookMs, error);
    this.#otel?.connectionOpened(endpoint, tookMs, error);
    if (channels.connection.hasSubscribers) {
      channels.connection.publish({ type: error ? 'failed' : 'opened', endpoint, tookMs, error });
    }
  }

  connectionClosed(endpoint: string, reason: string): void {
    this.#pool.closed(reason);
    if (channels.connection.hasSubscribers) channels.connection.publish({ type: 'closed', endpoint, reason });
  }

  warned(warning: PoolWarning): void {
    this.#warn('database', warning, {});
  }

  /** Says where to read the pool's connections, for metrics that are the state of a moment, and what its database is called. */
  observePool(endpoints: () => readonly PoolEndpoint[], database?: string): void {
    this.#pool.endpoints = endpoints;
    this.#database = database;
  }

  /**
   * Reports a cache beside the pool, and lets `pitcrew cache` and the dashboard clear, invalidate and warm it.
   * @example
   * ```ts
   * pool.telemetry?.observeCache(cacheReporting(cache, { name: 'catalogue' }), { warmers: [bestsellers] });
   * ```
   * @returns a function that ends it
   * @throws `E_CONFIG` for a name that another cache of this process has
   */
  observeCache(cache: ReportedCache, options: ObserveCacheOptions = {}): () => void {
    return this.#caches.observe(cache, options);
  }

  /** Does what an operator asks of one of the caches; for the reporter. Never rejects. */
  runCacheCommand(command: CacheCommand): Promise<CacheCommandResult> {
    return this.#caches.run(command);
  }

  /** Begins to measure something of the application's own; `end()` it. */
  startTimer(name: string): Timer {
    return this.#timers.startTimer(name);
  }

  /** Ends the timer of that name that was started last, in the caller's scope. @returns ms, `undefined` when none runs */
  endTimer(name: string): number | undefined {
    return this.#timers.endTimer(name);
  }

  snapshot(): TelemetrySnapshot {
    return {
      statements: [...this.#statements].map((stats) => summaryOf(stats)).toSorted((a, b) => b.totalMs - a.totalMs),
      crowdedOut: this.#statements.crowdedOut,
      scopes: this.#scopeCalls
        .stats()
        .map((stats) => stats.summary())
        .toSorted((a, b) => b.totalMs - a.totalMs),
      repeated: this.#findings.all(),
      pool: this.#pool.counts(),
      timers: this.#timers.stats(),
    };
  }

  /** What was counted since it was last taken; for the one reporter, which sends it. The snapshot keeps it all the same. */
  take(): TelemetryInterval {
    return {
      statements: this.#statements.take(this.#parameters),
      samplesParameters: this.#parameters !== undefined,
      repeated: this.#findings.take(),
      scopes: this.#scopeCalls.take(),
      timers: this.#timers.take(),
      pool: this.#pool.take(),
      caches: this.#caches.take(),
    };
  }

  #repeated(finding: RepeatedStatement): void {
    const { scope, callSite, calls, text, fingerprint } = finding;
    const message = `${scope} calls one statement again and again, ${calls} times, from ${callSite}`;
    this.#warn('performance', { code: 'repeated', message, detail: text }, { scope, callSite, calls, fingerprint });
    quietly(() => this.#options.onRepeated?.(finding));
  }

  #warn(channel: string, warning: Pick<PoolWarning, 'message' | 'detail'> & { code: string }, fields: object): void {
    const { code, message, detail } = warning;
    quietly(() => this.#options.logger?.warn({ channel, code, detail, ...fields }, message));
    if (channels.warning.hasSubscribers) channels.warning.publish({ ...warning, ...fields });
  }

  /** Applications register their providers before or after they make their pool. */
  #followOtel(): void {
    if (this.#options.otel === undefined && !this.#otelStarting && otelIsRegistered()) this.#startOtel();
  }

  #startOtel(): void {
    const { otel } = this.#options;
    this.#otelStarting = import('./otel/recorder.ts')
      .then(({ startOtel }) =>
        startOtel({ database: this.#database, ...(typeof otel === 'object' ? otel : {}) }, () =>
          this.#pool.endpoints(),
        ),
      )
      .then((recorder) => void (this.#otel = recorder))
      .catch((error: unknown) => {
        const message = 'no metrics and spans for OpenTelemetry: its API could not be loaded';
        const detail = `${messageOf(error)}. To install it: npm install @opentelemetry/api`;
        this.#warn('performance', { code: 'otel', message, detail }, {});
      });
  }
}

const nothing: Started = { site: undefined, work: undefined, otel: undefined };

/**
 * Statistics for a pool: `new Pool({ observer: createTelemetry() })`, or `createPool()`, which has them.
 * @throws `E_CONFIG` for options that make no sense
 */
export function createTelemetry(options: TelemetryOptions = {}): Telemetry {
  return new Telemetry(options);
}
