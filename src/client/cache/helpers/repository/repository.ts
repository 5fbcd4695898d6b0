import { PitcrewError } from '../../../../errors.ts';
import type { Database } from '../../../data/database.ts';
import type { TableReference } from '../../../data/names.ts';
import { type KeysetPage, keysetPage, type KeysetPageOptions } from '../../../data/pages/index.ts';
import { isFatal, isServerError } from '../../../pool/transactions/failures.ts';
import type { Cache } from '../../cache.ts';
import type { EntryOptions, RememberOptions, Ttl } from '../../options.ts';
import { type Committing, invalidateAll, type Outdated, whenCommitted } from '../invalidators.ts';
import { cacheKey, keyPattern } from '../keys/cache-key.ts';
import { type RowKey, RowKeys } from './row-keys.ts';
import { type Change, TableStatements } from './statements.ts';

export interface RepositoryOptions<Row> extends EntryOptions {
  /** Pitcrew's or `pg`'s. Rows for the cache are read from the primary: a replica may not have what was just written. */
  pool: Database & { readonly write?: Database | undefined };
  table: TableReference;
  /** The column, or columns, by which rows are found: those of a unique index. `id` by default. */
  key?: string | readonly string[] | undefined;
  cache: Cache;
  /** What its keys begin with; the table's name by default. */
  name?: string | undefined;
  /** 10 minutes by default. */
  ttl?: Ttl<Readonly<Row> | undefined> | undefined;
  /** How long it is kept that there is no such row; as long as a row by default, 0 for not at all. */
  negativeTtl?: RememberOptions<Row>['negativeTtl'];
  /** What the entries of rows bear, for whatever else invalidates them. */
  tags?: readonly string[] | ((row: Readonly<Row>) => readonly string[]) | undefined;
  /** What else is not true any more when a row was created, updated or deleted. Asked of what it was and of what it is. */
  outdates?: ((row: Readonly<Row>) => Outdated) | undefined;
}

/** What can be done with rows, in a transaction or by itself. */
export interface Rows<Row> {
  get(key: RowKey): Promise<Readonly<Row> | undefined>;
  /** In the order of the keys, by one statement for all that the cache does not have. */
  getMany(keys: readonly RowKey[]): Promise<(Readonly<Row> | undefined)[]>;
  /** The row as the server has made it. */
  create(values: Partial<Row>): Promise<Row>;
  /** The row as it is now; `undefined` when there is none. */
  update(key: RowKey, values: Partial<Row>): Promise<Row | undefined>;
  /** The row that was deleted. */
  delete(key: RowKey): Promise<Row | undefined>;
  /** A page of rows, never from the cache; see `keysetPage`. */
  list(page: ListOptions): Promise<KeysetPage<Row>>;
}

export type ListOptions = Omit<KeysetPageOptions & { query?: undefined }, 'table' | 'key' | 'query' | 'columns'>;

export interface Repository<Row> extends Rows<Row> {
  /**
   * The same in a transaction of the pool: what is read is read from it, past the cache, and what is written is invalidated when it
   * is committed.
   */
  in(transaction: Database & Committing): Rows<Row>;
  /** For rows that something else has changed. */
  invalidate(...keys: RowKey[]): Promise<void>;
  invalidateAll(): Promise<void>;
  /** The key under which a row is kept. */
  cacheKey(key: RowKey): string;
}

/**
 * The rows of a table by their keys, from a cache, which is invalidated by whatever is written through it: after it is committed,
 * and before the write resolves.
 * @example
 * ```ts
 * const orders = repository<Order>({ pool, cache, table: 'orders', outdates: (order) => ({ tags: [`customer:${order.customer_id}`] }) });
 * const order = await orders.get(42);
 * await pool.transaction(async (client) => {
 *   await orders.in(client).update(42, { status: 'paid' });
 * });
 * ```
 */
export function repository<Row extends object>(options: RepositoryOptions<Row>): Repository<Row> {
  const { pool, table, cache, ttl = '10m', tags = [], outdates } = options;
  const name =
    options.name ?? (typeof table === 'string' ? table : [table.schema, table.name].filter(Boolean).join('.'));
  const keys = new RowKeys(name, [options.key ?? 'id'].flat());
  const statements = new TableStatements(table, keys.columns);
  const primary = pool.write ?? pool;
  /** Of what says that there is no row: a new one may be found by keys that look different from its own (a UUID in capitals). */
  const missing = cache.fullKey(cacheKey('pitcrew-missing', name));

  // Under a key that looks different from the row's own a change of the row would not be found: it is not kept.
  const ttlOf = (row: Readonly<Row> | undefined, key: string): ReturnType<Exclude<typeof ttl, string | number>> => {
    if (row !== undefined && cache.fullKey(keys.ofRow(row)) !== key) return 0;
    return typeof ttl === 'function' ? ttl(row, key) : ttl;
  };
  const remembering: RememberOptions<Readonly<Row> | undefined> = {
    grace: options.grace,
    jitter: options.jitter,
    negativeTtl: options.negativeTtl,
    tags: (row) => (row === undefined ? [missing] : typeof tags === 'function' ? tags(row) : tags),
  };

  const outdated = ({ before, after }: Change): Outdated[] => {
    const rows = [before, after].filter((row) => row !== undefined);
    const own = rows.map((row) => keys.ofRow(row));
    const appeared = after !== undefined && own[0] !== own[1];
    const others = outdates ? rows.map((row) => outdates(row as Row)) : [];
    return [{ keys: own, tags: appeared ? [missing] : [] }, ...others];
  };
  const all: Outdated = { tags: [missing], keys: [cacheKey(name)], patterns: [keyPattern(name)] };

  /** Writes on a database, and has what it has changed invalidated. */
  function writing(database: Database, changed: (outdated: readonly Outdated[]) => unknown): WritesOf<Row> {
    const written = async (change: Change): Promise<Change> => {
      await changed(outdated(change));
      return change;
    };
    return {
      async create(values) {
        const { after } = await written(await statements.insert(database, values as Values));
        return after as Row;
      },
      async update(key, values) {
        const { after } = await written(await statements.update(database, keys.valuesOf(key), values as Values));
        return after as Row | undefined;
      },
      async delete(key) {
        const { before } = await written(await statements.delete(database, keys.valuesOf(key)));
        return before as Row | undefined;
      },
    };
  }
  const readsOf = (database: Database): Pick<Rows<Row>, 'get' | 'getMany'> => {
    const getMany = async (wanted: readonly RowKey[]): Promise<(Row | undefined)[]> =>
      (await statements.read(
        database,
        wanted.map((key) => keys.valuesOf(key)),
      )) as (Row | undefined)[];
    return { get: async (key) => (await getMany([key]))[0], getMany };
  };
  const listOf =
    (database: Database): Rows<Row>['list'] =>
    async (page) =>
      keysetPage<Row>(database, { ...page, table, key: keys.columns });

  const fromPrimary = readsOf(primary);
  const writes = writing(primary, (what) => invalidateAll(cache, what));
  /** A write may have been done though it failed, when its answer was lost. */
  const orAll =
    <Args extends unknown[], Value>(write: (...args: Args) => Promise<Value>) =>
    async (...args: Args): Promise<Value> => {
      try {
        return await write(...args);
      } catch (error) {
        if (isLost(error)) await invalidateAll(cache, [all]);
        throw error;
      }
    };

  return {
    get: async (key) => cache.remember(keys.cacheKey(key), ttlOf, () => fromPrimary.get(key), remembering),
    async getMany(wanted) {
      const byCacheKey = new Map(wanted.map((key) => [keys.cacheKey(key), key]));
      const load = async (lacking: readonly string[]): Promise<Map<string, Readonly<Row> | undefined>> => {
        const rows = await fromPrimary.getMany(lacking.map((each) => byCacheKey.get(each) as RowKey));
        return new Map(lacking.map((each, i) => [each, rows[i]]));
      };
      const found = await cache.rememberMany<Readonly<Row> | undefined>(
        [...byCacheKey.keys()],
        ttlOf,
        load,
        remembering,
      );
      return wanted.map((key) => found.get(keys.cacheKey(key)));
    },
    create: orAll(writes.create),
    update: orAll(writes.update),
    delete: orAll(writes.delete),
    list: listOf(pool),
    in: (transaction) => ({
      ...readsOf(transaction),
      ...writing(transaction, (what) => whenCommitted(transaction, () => invalidateAll(cache, what))),
      list: listOf(transaction),
    }),
    invalidate: (...changed) => cache.delete(...changed.map((key) => keys.cacheKey(key))),
    invalidateAll: () => invalidateAll(cache, [all]),
    cacheKey: (key) => keys.cacheKey(key),
  };
}

type Values = Record<string, unknown>;
type WritesOf<Row> = Pick<Rows<Row>, 'create' | 'update' | 'delete'>;

/** Errors of a statement are answers, and ours say what they are; a session that ends may have committed before. */
function isLost(error: unknown): boolean {
  if (error instanceof PitcrewError) return error.code === 'E_OUTCOME_UNKNOWN';
  return !isServerError(error) || isFatal(error);
}
