import { durationMs } from '../cache/options.ts';
import type { QueryCacheSettings } from './options.ts';

/** What is to become of a statement's result: how long it may be used, in ms; `false` for never; `undefined` for what the call says. */
export type Verdict = number | false | undefined;

/** A table by its names. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** Says which results are kept without being asked for, and which never. */
export class Policies {
  readonly #tables: ReadonlyMap<string, number | false>;
  readonly #statements: readonly { match: RegExp; ttlMs: number | false }[];
  /** Some are kept without being asked for. */
  readonly isAutomatic: boolean;

  /** @throws `E_CONFIG` for times that are none */
  constructor({ tables, statements }: Pick<QueryCacheSettings, 'tables' | 'statements'>) {
    this.#tables = new Map(
      Object.entries(tables).map(([name, ttl]) => [name, ttl !== false && durationMs(`cache.tables.${name}`, ttl)]),
    );
    this.#statements = statements.map(({ match, ttl }) => ({
      match,
      ttlMs: ttl !== false && durationMs('cache.statements.ttl', ttl),
    }));
    const all = [...this.#tables.values(), ...this.#statements.map(({ ttlMs }) => ttlMs)];
    this.isAutomatic = all.some((ttlMs) => ttlMs !== false);
  }

  /** @param tables all that are read */
  verdict(text: string, tables: readonly TableName[]): Verdict {
    const times = tables.map(({ schema, name }) => this.#tables.get(`${schema}.${name}`) ?? this.#tables.get(name));
    if (times.includes(false)) return false;
    const named = this.#statements.find(({ match }) => isMatch(match, text));
    if (named) return named.ttlMs;
    const known = times.filter((ttlMs): ttlMs is number => typeof ttlMs === 'number');
    return known.length > 0 && known.length === times.length ? Math.min(...known) : undefined;
  }
}

function isMatch(match: RegExp, text: string): boolean {
  // Those that are global or sticky go on from where they were.
  match.lastIndex = 0;
  return match.test(text);
}
