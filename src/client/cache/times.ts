import { PitcrewError } from '../../errors.ts';
import type { Entry } from './entry.ts';
import { type CacheOptions, type Duration, durationMs, type EntryOptions } from './options.ts';

const defaultTtl = '5m';
const defaultJitter = 0.05;

/** How long entries live. */
export class Times {
  readonly #ttlMs: number;
  readonly #graceMs: number;
  readonly #jitter: number;

  /** @throws `E_CONFIG` for what is no span of time */
  constructor({ ttl = defaultTtl, grace = 0, jitter = defaultJitter }: CacheOptions) {
    this.#ttlMs = durationMs('ttl', ttl);
    this.#graceMs = durationMs('grace', grace);
    this.#jitter = share(jitter);
  }

  ttlMs(ttl: Duration | undefined): number {
    return ttl === undefined ? this.#ttlMs : durationMs('ttl', ttl);
  }

  entry(
    value: unknown,
    ttl: Duration | undefined,
    { grace, jitter }: EntryOptions,
    tags: readonly string[],
    loadMs: number,
  ): Entry {
    const createdAt = Date.now();
    const spread = jitter === undefined ? this.#jitter : share(jitter);
    const freshUntil = createdAt + this.ttlMs(ttl) * (1 - Math.random() * spread);
    const graceMs = grace === undefined ? this.#graceMs : durationMs('grace', grace);
    return { value, createdAt, freshUntil, keptUntil: freshUntil + graceMs, tags, loadMs };
  }

  /** Whether an entry is to be loaded anew already (see `RememberOptions.early`). */
  isDue({ freshUntil, loadMs }: Entry, now: number, early: boolean | number): boolean {
    const factor = early === true ? 1 : Number(early);
    return now - loadMs * factor * Math.log(Math.random()) >= freshUntil;
  }
}

function share(jitter: number): number {
  if (jitter >= 0 && jitter < 1) return jitter;
  throw new PitcrewError('E_CONFIG', 'jitter must be a share from 0 to below 1', {
    detail: `Found ${String(jitter)}.`,
  });
}
