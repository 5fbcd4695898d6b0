import { setTimeout as delay } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { messageOf, PitcrewError } from '../../errors.ts';
import type { CacheIncrease } from './caches/increase.ts';
import { Commands, commandsOf } from './caches/commands.ts';
import { sparse } from './histogram.ts';
import type { TelemetryLogger } from './options.ts';
import type { PoolEndpoint, PoolIncrease } from './pool-counters.ts';
import { quietly } from './quietly.ts';
import type { ApplicationReport } from './report.ts';
import type { StatementIncrease } from './statement-stats.ts';
import type { Telemetry } from './telemetry.ts';

export interface ReporterOptions {
  /** Where `pitcrew serve` listens: `http://127.0.0.1:7432`, or a folder below it where it is mounted. */
  url: string;
  /** Its token, where it listens beyond loopback. */
  token?: string | undefined;
  /** The application's name, by which its lines are shown. */
  application: string;
  /** Under which name `pitcrew serve` watches the database; its first one by default. */
  database?: string | undefined;
  /** 10,000 by default. */
  intervalMs?: number | undefined;
  /** Told once when reports are not accepted, and once when they are again. */
  logger?: TelemetryLogger | undefined;
}

/** What there is to report. */
export interface ReporterSource {
  telemetry: Pick<Telemetry, 'take' | 'runCacheCommand'>;
  /** The pool's endpoints now. */
  endpoints: () => readonly PoolEndpoint[];
}

const timeoutMs = 5000;
/** After failures at most so long until the next try. */
const longestRestMs = 300_000;
/** How long closing may take, and how soon it tries again. */
const closeWithinMs = 2000;
const closeRetryMs = 100;

/** A report that was made and not accepted yet. It is sent unchanged, under its number, until it is: it may have arrived. */
interface Pending {
  body: Uint8Array<ArrayBuffer>;
}

/**
 * Sends what an application's telemetry has counted to `pitcrew serve`, every ten seconds. One report at a time: what
 * comes while it is not accepted is counted on, and goes with the next, so a daemon that is away loses nothing and costs no memory. A
 * report that may have arrived is sent again under its old number, so nothing is counted twice. Never throws into the
 * application, nor keeps it alive.
 */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #source: ReporterSource;
  readonly #address: URL;
  readonly #intervalMs: number;
  readonly #instance = randomUUID();
  readonly #commands: Commands;
  #timer: NodeJS.Timeout | undefined;
  #since = new Date();
  #sequence = 0;
  #pending: Pending | undefined;
  #sending: Promise<void> | undefined;
  #failures = 0;
  #refused = 0;
  #lastError: string | undefined;
  #closed = false;

  /** @throws `E_CONFIG` for a URL that is none, an interval that is no time, or no application */
  constructor(options: ReporterOptions, source: ReporterSource) {
    this.#options = options;
    this.#source = source;
    this.#commands = new Commands(
      (command) => source.telemetry.runCacheCommand(command),
      () => this.#soon(),
    );
    this.#address = ingestAddress(options);
    this.#intervalMs = options.intervalMs ?? 10_000;
    if (!(this.#intervalMs > 0)) throw badOption('intervalMs', 'a time in ms', options.intervalMs);
    if (!options.application) throw badOption('application', 'a name', options.application);
    // Applications that are started together shall not all report together.
    this.#schedule(this.#intervalMs * (0.5 + Math.random() / 2));
  }

  /** Why the last report was not accepted; `undefined` when it was. */
  get lastError(): string | undefined {
    return this.#lastError;
  }

  /** Reports that were refused for good, and given up. */
  get refused(): number {
    return this.#refused;
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
    this.#closed = true;
    clearTimeout(this.#timer);
    const late = delay(closeWithinMs, 'late' as const, { ref: false });
    // What is being sent may have been made before the last statements.
    await Promise.race([this.#sending, late]);
    for (;;) {
      const outcome = await Promise.race([this.flush(), late]);
      if (this.#lastError === undefined || outcome === 'late') return;
      if ((await Promise.race([delay(closeRetryMs), late])) === 'late') return;
    }
  }

  /** An operator waits for what became of a command; while the daemon is away there is no hurry. */
  #soon(): void {
    // What is being sent was made before.
    if (this.#sending) void this.#sending.then(() => this.#soon());
    else if (this.#failures === 0 && this.#commands.haveResults) this.#schedule(0);
  }

  #schedule(ms: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      void this.flush().then(() => {
        this.#schedule(this.#failures === 0 && this.#commands.haveResults ? 0 : this.#restMs());
      });
    }, ms);
    this.#timer.unref();
  }

  /** Twice as long after each failure, with a random part, so that a daemon that comes back is not met by all at once. */
  #restMs(): number {
    if (this.#failures === 0) return this.#intervalMs;
    const most = Math.min(this.#intervalMs * 2 ** (this.#failures - 1), longestRestMs);
    return most * (0.5 + Math.random() / 2);
  }

  async #send(): Promise<void> {
    try {
      if (this.#pending) await this.#deliver(this.#pending);
      this.#pending = await this.#next();
      await this.#deliver(this.#pending);
      this.#accepted();
    } catch (error) {
      this.#failed(messageOf(error));
    }
  }

  async #deliver(pending: Pending): Promise<void> {
    await this.#post(pending);
    this.#pending = undefined;
  }

  async #next(): Promise<Pending> {
    const text = JSON.stringify(this.#report());
    return { body: new Uint8Array(await promisify(gzip)(text)) };
  }

  #report(): ApplicationReport {
    const taken = this.#source.telemetry.take();
    const from = this.#since;
    this.#since = new Date();
    return {
      version: 1,
      application: this.#options.application.slice(0, 100),
      instance: this.#instance,
      sequence: ++this.#sequence,
      from: from.toISOString(),
      to: this.#since.toISOString(),
      statements: taken.statements.map((increase) => reported(increase)),
      samplesParameters: taken.samplesParameters,
      repeated: taken.repeated.map(({ scope, fingerprint, callSite, scopes, most }) => ({
        scope,
        fingerprint,
        site: callSite,
        requests: scopes,
        most,
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
      scopes: taken.scopes.map(({ buckets, ...scope }) => ({ ...scope, histogram: sparse(buckets) })),
      timers: taken.timers.map(({ name, buckets, ...timer }) => ({
        name: name.slice(0, 200),
        ...timer,
        histogram: sparse(buckets),
      })),
      poolCounts: taken.pool ? reportedPool(taken.pool) : null,
      caches: taken.caches.map((cache) => reportedCache(cache)),
      commandResults: this.#commands.take(),
    };
  }

  async #post({ body }: Pending): Promise<void> {
    const { token } = this.#options;
    const answer = await fetch(this.#address, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-encoding': 'gzip',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body,
      // A token goes to nobody else.
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const said = await answer.text();
    if (answer.ok) {
      this.#commands.begin(commandsIn(said));
      return;
    }
    // What this daemon cannot read it would refuse for ever.
    if (answer.status === 400 || answer.status === 413 || answer.status === 422) {
      this.#pending = undefined;
      this.#refused += 1;
    }
    throw new Error(`${this.#address.host} answered ${answer.status}: ${said.slice(0, 300)}`);
  }

  #accepted(): void {
    if (this.#failures > 0) this.#log('reports are accepted again', undefined);
    this.#failures = 0;
    this.#lastError = undefined;
  }

  #failed(why: string): void {
    if (this.#failures === 0) this.#log('reports are not accepted; trying again', why);
    this.#failures += 1;
    this.#lastError = why;
  }

  #log(message: string, detail: string | undefined): void {
    const fields = { channel: 'performance', code: 'report', url: this.#address.origin, detail };
    quietly(() => this.#options.logger?.warn(fields, message));
  }
}

function ingestAddress({ url, database }: ReporterOptions): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  if (!base || !/^https?:$/.test(base.protocol)) throw badOption('url', 'an http or https address', url);
  const address = new URL(`${base.pathname.replace(/\/+$/, '')}/api/v1/database/ingest`, base);
  if (database !== undefined) address.searchParams.set('database', database);
  return address;
}

function badOption(name: string, wanted: string, found: unknown): PitcrewError {
  return new PitcrewError('E_CONFIG', `report option ${name} must be ${wanted}`, { detail: `Found ${String(found)}.` });
}

function reported(increase: StatementIncrease): ApplicationReport['statements'][number] {
  const { fingerprint, text, kind, calls, errors, rows, totalMs, waitMs, maxMs, buckets, sites } = increase;
  return {
    fingerprint,
    text: text.slice(0, 20_000),
    kind,
    calls,
    errors,
    rows,
    totalMs,
    waitMs,
    maxMs,
    histogram: sparse(buckets),
    callSites: sites.entries().map(([site, seen]) => ({ site, calls: seen })),
    scopes: increase.scopes.map(({ name, calls: called, scopes: requests, most }) => ({
      name,
      calls: called,
      requests,
      most,
    })),
    parameters: [...increase.parameters],
  };
}

function reportedPool({ waits, ...counts }: PoolIncrease): ApplicationReport['poolCounts'] {
  return { ...counts, waitMs: waits.totalMs, waitMaxMs: waits.maxMs, waits: sparse(waits.buckets) };
}

function reportedCache({ tiers, bypasses = {}, stream, ...cache }: CacheIncrease): ApplicationReport['caches'][number] {
  return {
    ...cache,
    warmers: [...cache.warmers],
    groups: [...cache.groups],
    bypasses,
    tiers: tiers.map(({ entries = null, bytes = null, lookups = 0, misses = 0, lookupMs = 0, ...tier }) => ({
      ...tier,
      lookups,
      misses,
      lookupMs,
      entries,
      bytes,
    })),
    stream: stream ? { ...stream, reason: stream.reason ?? null, lagMs: stream.lagMs ?? null } : null,
  };
}

function commandsIn(answer: string): ReturnType<typeof commandsOf> {
  try {
    return commandsOf(JSON.parse(answer));
  } catch {
    // What stands before the daemon may answer anything.
    return [];
  }
}
