import { PitcrewError } from '../../../errors.ts';
import type { ValueOptions } from '../values/index.ts';

/** A client of the application's: of `redis` 6 (client, cluster or sentinel) or of `ioredis` 5 (client or cluster). */
export interface RedisClientLike {
  duplicate(...args: never[]): unknown;
}

export interface RedisTierOptions extends ValueOptions {
  /**
   * A client of the application's, of the package `redis` or `ioredis`. Its settings are taken over; the tier opens connections
   * of its own with them, and leaves the client alone.
   */
  client?: RedisClientLike | undefined;
  /** `redis://user:password@host:6379/0`, `rediss://…` with TLS, `unix:///path`. Needs the package `redis`. */
  url?: string | undefined;
  /** What `createClient` of the package `redis` is given, for what a URL cannot say. */
  options?: object | undefined;
  /**
   * What the names of all keys begin with: caches of one namespace share everything, in whichever processes they are; `pitcrew` by
   * default.
   */
  namespace?: string | undefined;
  /** How long a command may take, in ms; 250 by default. */
  timeout?: number | undefined;
  /**
   * Tags and prefixes whose invalidation Redis remembers, some 100 bytes each; 100,000 by default. Entries that are older than the
   * oldest of them are void when one more is invalidated.
   */
  history?: number | undefined;
}

export interface Settings {
  namespace: string;
  timeoutMs: number;
  mostNames: number;
  values: ValueOptions;
}

/** @throws `E_CONFIG` for what cannot be */
export function settingsOf(options: RedisTierOptions): Settings {
  const { namespace = 'pitcrew', timeout = 250, history = 100_000, classes, compressAbove, maxValueBytes } = options;
  const sources = [options.client, options.url, options.options].filter((each) => each !== undefined);
  if (sources.length === 0 || (options.client && sources.length > 1)) {
    throw new PitcrewError('E_CONFIG', 'a Redis tier needs to know its Redis', {
      hint: 'Give either `client`, or `url`, or `options`.',
    });
  }
  if (!/^[^{}\s]+$/.test(namespace)) {
    throw new PitcrewError('E_CONFIG', 'namespace must be a text without braces and spaces', {
      detail: `Found ${JSON.stringify(namespace)}.`,
    });
  }
  for (const [name, value] of Object.entries({ timeout, history })) {
    if (Number.isFinite(value) && value >= 1) continue;
    throw new PitcrewError('E_CONFIG', `${name} must be at least 1`, { detail: `Found ${String(value)}.` });
  }
  return { namespace, timeoutMs: timeout, mostNames: history, values: { classes, compressAbove, maxValueBytes } };
}
