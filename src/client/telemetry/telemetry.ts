import type { StatementDescription } from '../../sql/index.ts';
import type { AcquireOutcome, PoolObserver, PoolWarning, StatementOutcome } from '../observer.ts';
import { applicationFrames, captureCallSite } from '../call-site.ts';
import { currentScope, type RequestScope } from '../scope.ts';
import { channels } from './channels.ts';
import type { OtelRecorder } from './otel.ts';
import {
  type RepeatedStatement,
  type ResolvedTelemetryOptions,
  resolveTelemetry,
  type TelemetryOptions,
} from './options.ts';
import { Rate } from './rate.ts';
import { type RepeatedFinding, ScopeCalls } from './scope-calls.ts';
import { SlowLog } from './slow-log.ts';
import { type StatementSummary, summaryOf } from './snapshot.ts';
import { StatementTable } from './statement-table.ts';
import { type Timer, Timers, type TimerStats } from './timers.ts';

/** What was counted since the application started. */
export interface TelemetrySnapshot {
  statements: StatementSummary[];
  /** Lines that call a statement again and again in one request. */
  repeated: RepeatedFinding[];
  timers: TimerStats[];
}

/** What was counted since it was last taken. */
export interface TelemetryInterval {
  statements: StatementTable;
  repeated: RepeatedFinding[];
}

/** Of a statement's first calls every line is looked at … */
const firstCalls = 5;
/** … then one of so many, and at most so many per second in all: a look costs some microseconds. */
const sampleOneOf = 64;
const looksPerSecond = 200;

/** What is remembered of a statement under way, besides the statement itself. */
interface Started {
  site: string | undefined;
  scope: RequestScope | undefined;
  otel: unknown;
}

/** Statistics of what an application asks of its database, from which line and in which request. An observer of the pool. */
export class Telemetry implements PoolObserver {
  readonly #options: ResolvedTelemetryOptions;
  readonly #slowLog: SlowLog;
  readonly #scopeCalls: ScopeCalls;
  readonly #timers = new Timers();
  readonly #looks = new Rate(looksPerSecond);
  readonly #total: StatementTable;
  #current: StatementTable;
  #turn = 0;
  #otel: OtelRecorder | undefined;

  /** @throws `E_CONFIG` for options that make no sense */
  constructor(options: TelemetryOptions = {}) {
    this.#options = resolveTelemetry(options);
    this.#slowLog = new SlowLog(this.#options);
    this.#scopeCalls = new ScopeCalls({
      threshold: this.#options.repeatedCalls,
      statsOf: (description) => this.#current.of(description),
      found: (finding) => this.#repeated(finding),
    });
    this.#total = new StatementTable(this.#options.maxStatements);
    this.#current = new StatementTable(this.#options.maxStatements);
    if (options.otel) void this.#startOtel();
  }

  statementStarted(description: StatementDescription | undefined): unknown {
    const stats = this.#current.of(description);
    const scope = currentScope();
    let site: string | undefined;
    let looked = false;
    const look = (): string | undefined => {
      if (!looked) site = this.#look();
      looked = true;
      return site;
    };
    if (stats.calls < firstCalls || (++this.#turn % sampleOneOf === 0 && this.#looks.take(performance.now()))) look();
    else if (stats.slow > 0 && this.#looks.take(performance.now())) look();
    if (scope) this.#scopeCalls.count(scope, description, stats.fingerprint, look);
    if (site !== undefined) stats.sites.add(site);
    // Nothing to remember: the usual case allocates nothing.
    if (site === undefined && !scope && !this.#otel) return undefined;
    return { site, scope, otel: this.#otel?.started() } satisfies Started;
  }

  statementEnded(started: unknown, outcome: StatementOutcome): void {
    const { site, scope, otel } = (started ?? {}) as Partial<Started>;
    // Not those of the start: what was counted until then may have been taken meanwhile.
    const stats = this.#current.of(outcome.description);
    stats.record(outcome);
    if (outcome.durationMs >= this.#slowLog.thresholdOf(stats.kind)) {
      stats.slow += 1;
      this.#slowLog.add(outcome, site ?? stats.sites.top, scope?.name);
    }
    if (this.#otel) this.#otel.ended(otel, outcome);
    if (channels.statement.hasSubscribers) channels.statement.publish(outcome);
  }

  acquired(outcome: AcquireOutcome): void {
    this.#otel?.acquired(outcome);
    if (channels.acquire.hasSubscribers) channels.acquire.publish(outcome);
  }

  connectionOpened(endpoint: string, tookMs: number, error: Error | undefined): void {
    this.#otel?.connectionOpened(endpoint, tookMs, error);
    if (channels.connection.hasSubscribers) channels.connection.publish({ type: 'opened', endpoint, tookMs, error });
  }

  connectionClosed(endpoint: string, reason: string): void {
    this.#otel?.connectionClosed(endpoint);
    if (channels.connection.hasSubscribers) channels.connection.publish({ type: 'closed', endpoint, reason });
  }

  warned(warning: PoolWarning): void {
    const { code, message, detail } = warning;
    this.#options.logger?.warn({ channel: 'database', code, detail }, message);
    if (channels.warning.hasSubscribers) channels.warning.publish(warning);
  }

  /** Begins to measure something of the application's own; `end()` it. */
  startTimer(name: string): Timer {
    return this.#timers.startTimer(name);
  }

  /** Ends the timer of that name that was started last. @returns ms, `undefined` when none runs */
  endTimer(name: string): number | undefined {
    return this.#timers.endTimer(name);
  }

  snapshot(): TelemetrySnapshot {
    const all = new StatementTable(this.#options.maxStatements);
    all.merge(this.#total);
    all.merge(this.#current);
    return {
      statements: [...all].map((stats) => summaryOf(stats)).toSorted((a, b) => b.totalMs - a.totalMs),
      repeated: this.#scopeCalls.findings,
      timers: this.#timers.stats(),
    };
  }

  /** What was counted since it was last taken; for the reporter, which sends it. The snapshot keeps it all the same. */
  take(): TelemetryInterval {
    const statements = this.#current;
    this.#current = new StatementTable(this.#options.maxStatements);
    this.#total.merge(statements);
    return { statements, repeated: this.#scopeCalls.take() };
  }

  /** The application's line that is in the stack now. */
  #look(): string | undefined {
    return lineOf(applicationFrames(captureCallSite(this.statementStarted))[0]);
  }

  #repeated(finding: RepeatedStatement): void {
    const { logger, onRepeated } = this.#options;
    const { scope, callSite, calls, text, fingerprint } = finding;
    const fields = { channel: 'performance', scope, callSite, calls, text, fingerprint };
    logger?.warn(fields, `${scope} calls one statement again and again (${calls} times so far) from ${callSite}`);
    onRepeated?.(finding);
  }

  async #startOtel(): Promise<void> {
    const { startOtel } = await import('./otel.ts');
    this.#otel = await startOtel();
  }
}

/** `src/orders.ts:12` of `load (src/orders.ts:12:15)`. */
function lineOf(frame: string | undefined): string | undefined {
  if (frame === undefined) return undefined;
  const place = /\(([^()]+)\)$/.exec(frame)?.[1] ?? frame.replace(/^async /, '');
  return place.replace(/:\d+$/, '').slice(0, 300);
}

/** Statistics for a pool: `new Pool({ observer: createTelemetry() })`. */
export function createTelemetry(options: TelemetryOptions = {}): Telemetry {
  return new Telemetry(options);
}
