import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { messageOf } from '../../errors.ts';
import { sparse } from './histogram.ts';
import type { ApplicationReport } from './report.ts';
import type { RepeatedFinding } from './scope-calls.ts';
import type { StatementStats } from './statement-stats.ts';
import { StatementTable } from './statement-table.ts';
import type { Telemetry } from './telemetry.ts';

export interface ReporterOptions {
  /** Where `pitcrew serve` listens: `http://127.0.0.1:7432`. */
  url: string;
  /** Its token, where it listens beyond loopback. */
  token?: string | undefined;
  /** The application's name, by which its lines are shown. */
  application: string;
  /** Under which name `pitcrew serve` watches the database; its first one by default. */
  database?: string | undefined;
  /** 10,000 by default. */
  intervalMs?: number | undefined;
}

/** What there is to report. */
export interface ReporterSource {
  telemetry: Telemetry;
  /** The pool's endpoints now. */
  endpoints: () => ApplicationReport['pool'];
}

/** Statements of one report; the rest is counted together. */
const mostStatements = 1000;
const timeoutMs = 5000;
const closeWithinMs = 2000;
const closeTries = 5;
const closeRetryMs = 50;
/** After failures at most this much rarer. */
const mostRests = 6;

interface Pending {
  body: Uint8Array<ArrayBuffer>;
}

/**
 * Sends what an application's telemetry has counted to `pitcrew serve`, every ten seconds. What was not accepted is kept, and
 * what comes meanwhile is added up, so nothing is lost by a daemon that is away; a report that may have arrived is
 * sent again under its old number, so nothing is counted twice. Never throws into the application, nor keeps it alive.
 */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #source: ReporterSource;
  readonly #instance = randomUUID();
  readonly #timer: NodeJS.Timeout;
  #waiting = new StatementTable(mostStatements);
  #repeated: RepeatedFinding[] = [];
  #since = new Date();
  #sequence = 0;
  #pending: Pending | undefined;
  #sending: Promise<void> | undefined;
  #failures = 0;
  #rests = 0;
  #lastError: string | undefined;

  constructor(options: ReporterOptions, source: ReporterSource) {
    this.#options = options;
    this.#source = source;
    this.#timer = setInterval(() => this.#tick(), options.intervalMs ?? 10_000);
    this.#timer.unref();
  }

  /** Why the last report was not accepted; `undefined` when it was. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** Sends what there is now. Resolves when that was accepted or has failed. */
  flush(): Promise<void> {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  /** Sends the rest, for two seconds at most. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sending;
    const late = delay(closeWithinMs, 'late', { ref: false });
    for (let tries = 0; tries < closeTries; tries++) {
      const outcome = await Promise.race([this.flush(), late]);
      if (this.#lastError === undefined || outcome === 'late') return;
      await delay(closeRetryMs);
    }
  }

  #tick(): void {
    if (this.#rests > 0) {
      this.#rests -= 1;
      return;
    }
    void this.flush();
  }

  async #send(): Promise<void> {
    const { statements, repeated } = this.#source.telemetry.take();
    this.#waiting.merge(statements);
    this.#repeated = merged(this.#repeated, repeated);
    try {
      // A report that may have arrived comes first, unchanged.
      if (this.#pending) await this.#post(this.#pending);
      this.#pending = await this.#next();
      await this.#post(this.#pending);
      this.#pending = undefined;
      this.#failures = 0;
      this.#lastError = undefined;
    } catch (error) {
      this.#failures += 1;
      this.#rests = Math.min(this.#failures - 1, mostRests);
      this.#lastError = messageOf(error);
    }
  }

  async #next(): Promise<Pending> {
    const report = this.#report();
    this.#waiting = new StatementTable(mostStatements);
    this.#repeated = [];
    this.#since = new Date(report.to);
    const body = await promisify(gzip)(JSON.stringify(report));
    return { body: new Uint8Array(body) };
  }

  #report(): ApplicationReport {
    return {
      version: 1,
      application: this.#options.application.slice(0, 100),
      instance: this.#instance,
      sequence: ++this.#sequence,
      from: this.#since.toISOString(),
      to: new Date().toISOString(),
      statements: [...this.#waiting].filter(({ calls }) => calls > 0).map((stats) => reported(stats)),
      repeated: this.#repeated.map(({ scope, fingerprint, callSite, scopes, most, calls }) => ({
        scope: scope.slice(0, 200),
        fingerprint,
        site: callSite,
        requests: scopes,
        most: Math.max(most, calls),
      })),
      pool: this.#source.endpoints().map(({ endpoint, role, open, idle, waiting, lanes, max }) => ({
        endpoint,
        role,
        open,
        idle,
        waiting,
        lanes,
        max,
      })),
    };
  }

  async #post({ body }: Pending): Promise<void> {
    const { url, token, database } = this.#options;
    const address = new URL('/api/v1/database/ingest', url);
    if (database !== undefined) address.searchParams.set('database', database);
    const answer = await fetch(address, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-encoding': 'gzip',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (answer.ok) return;
    const said = (await answer.text()).slice(0, 300);
    // What is refused for good would be refused again.
    if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) this.#pending = undefined;
    throw new Error(`${address.host} answered ${answer.status}: ${said}`);
  }
}

/** Findings of two intervals; requests are added up. */
function merged(before: readonly RepeatedFinding[], now: readonly RepeatedFinding[]): RepeatedFinding[] {
  const all = new Map<string, RepeatedFinding>();
  for (const finding of [...before, ...now]) {
    const key = `${finding.scope}\n${finding.fingerprint}\n${finding.callSite}`;
    const known = all.get(key);
    if (known)
      all.set(key, { ...finding, scopes: known.scopes + finding.scopes, most: Math.max(known.most, finding.most) });
    else all.set(key, finding);
  }
  return [...all.values()].slice(0, 200);
}

function reported(stats: StatementStats): ApplicationReport['statements'][number] {
  return {
    fingerprint: stats.fingerprint,
    text: stats.text.slice(0, 20_000),
    kind: stats.kind,
    calls: stats.calls,
    errors: stats.errors,
    rows: stats.rows,
    totalMs: stats.totalMs,
    waitMs: stats.waitMs,
    maxMs: stats.maxMs,
    histogram: sparse(stats.buckets),
    callSites: stats.sites.entries().map(([site, calls]) => ({ site, calls })),
    scopes: [...stats.scopes].map(([name, { calls, scopes, most }]) => ({ name, calls, requests: scopes, most })),
  };
}
