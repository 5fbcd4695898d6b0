import { createHash } from 'node:crypto';
import type pg from 'pg';
import { session } from './catalog.ts';

/** What a transaction does, as the ledger has it. `null` as a value: it is gone. */
type Change =
  | { kind: 'row'; table: string; id: number; value: string | null }
  | { kind: 'emptied' | 'created' | 'dropped'; table: string }
  | { kind: 'object'; id: number; value: string | null };

/** A moment of the server's. */
interface Moment {
  lsn: bigint;
  /** As `--target-time` takes it. */
  time: string;
}

/** A transaction that has committed. */
interface Committed {
  writer: number;
  /** Of this writer's, from 1. */
  number: number;
  xid: string;
  /** Just before it was told to commit. */
  before: Moment;
  /** When it had. */
  after: Moment;
  changes: Change[];
}

/** A database that was made while the others wrote. */
interface Made {
  name: string;
  before: Moment;
  after: Moment;
}

/** What tables and large objects have in them: a checksum by name, and how many transactions of each writer are in it. */
interface Content {
  counts: number[];
  checksums: Record<string, string>;
}

/** To where recovery went: what must be in it, and what must not be. */
export type Reached = { lsn: bigint } | { time: string } | { xid: string } | 'end';

export interface BackupLedger {
  readonly committed: readonly Committed[];
  /** Each writer commits so many more transactions, and gives up others. `url`: of the server, from now on. */
  write(transactions: number, url?: string): Promise<void>;
  /** Writes until a piece of work is done, or there is much. */
  during<Result>(work: () => Promise<Result>): Promise<Result>;
  /** A database with a table in it. */
  makeDatabase(name: string, strategy: 'wal_log' | 'file_copy'): Promise<void>;
  now(): Promise<Moment>;
  /** What is wrong with a restored server, by what the ledger says was committed by then; an empty list when nothing is. */
  compare(url: (database?: string) => string, reached: Reached): Promise<string[]>;
}

export interface LedgerOptions {
  seed: number;
  /** An empty folder for a tablespace. */
  place: string;
  /** Whether VACUUM makes files shorter, after which there may be no incremental backups. */
  cuts: boolean;
}

const writers = 3;
/** Transactions of each beside a piece of work that takes long. */
const beside = 100;
const shared = ['shared', 'elsewhere'];

/** Numbers from 0 to below 1 that are the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d_2b_79_f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/**
 * Writers that do what applications do to a server, at random, and keep what each transaction did, so that the content at any moment can be told
 * without asking the server. Each has rows, tables and large objects of its own: what is there is so many transactions of each.
 */
export async function backupLedger(serverUrl: string, { seed, place, cuts }: LedgerOptions): Promise<BackupLedger> {
  let url = serverUrl;
  const committed: Committed[] = [];
  const databases: Made[] = [];
  const states = Array.from({ length: writers }, (_each, writer) => new Writer(writer, randomFrom(seed + writer)));
  const admin = async <Row extends pg.QueryResultRow>(...texts: string[]): Promise<Row[]> => {
    await using client = await session(url);
    let rows: Row[] = [];
    for (const text of texts) ({ rows } = await client.query<Row>(text));
    return rows;
  };
  const now = async (): Promise<Moment> => momentOf((await admin<MomentRow>(`SELECT ${momentSql}`))[0]);
  await admin(
    `CREATE TABLESPACE elsewhere LOCATION '${place}'`,
    'CREATE TABLE progress (writer int PRIMARY KEY, number int NOT NULL)',
    `INSERT INTO progress SELECT w, 0 FROM generate_series(0, ${writers - 1}) w`,
    'CREATE TABLE shared (id int PRIMARY KEY, value text NOT NULL)',
    'CREATE INDEX ON shared (md5(value))',
    'CREATE TABLE elsewhere (id int PRIMARY KEY USING INDEX TABLESPACE elsewhere, value text NOT NULL) TABLESPACE elsewhere',
    ...states.map(({ own }) => `CREATE TABLE ${own} (id int PRIMARY KEY, value text NOT NULL)`),
    'CREATE UNLOGGED TABLE fleeting (id int, value text)',
    'CREATE SEQUENCE numbers',
  );

  async function write(work: (state: Writer, client: pg.Client) => Promise<void>): Promise<void> {
    await Promise.all(
      states.map(async (state) => {
        await using client = await session(url);
        await work(state, client);
      }),
    );
  }

  const step = async (state: Writer, client: pg.Client): Promise<boolean> => {
    const done = await state.transaction(client);
    if (done) committed.push(done);
    else if (state.chance(0.5)) await client.query(state.pick(housekeeping(state.own, cuts)));
    return done !== undefined;
  };

  return {
    committed,
    now,
    async write(transactions, elsewhere) {
      url = elsewhere ?? url;
      await write(async (state, client) => {
        for (let done = 0; done < transactions;) if (await step(state, client)) done += 1;
      });
    },
    async during(work) {
      const over = new AbortController();
      const writing = write(async (state, client) => {
        for (let done = 0; !over.signal.aborted && done < beside; done += 1) await step(state, client);
      });
      try {
        return await work();
      } finally {
        over.abort();
        await writing;
      }
    },
    async makeDatabase(name, strategy) {
      const before = await now();
      await admin(`CREATE DATABASE ${name} STRATEGY ${strategy}`);
      await using client = await session(url.replace(/\/[^/]*$/, `/${name}`));
      await client.query('CREATE TABLE inside AS SELECT n FROM generate_series(1, 5000) n');
      databases.push({ name, before, after: await now() });
    },
    async compare(of, reached) {
      await using client = await session(of());
      const found = await contentOf(client);
      const problems = outOfBounds(committed, found.counts, reached);
      const expected = replay(committed, found.counts);
      for (const name of new Set([...Object.keys(expected), ...Object.keys(found.checksums)])) {
        if (expected[name] !== found.checksums[name])
          problems.push(`${name} is ${found.checksums[name]}, and was ${expected[name]}`);
      }
      const { rows } = await client.query<{ datname: string }>('SELECT datname FROM pg_database');
      const names = rows.map(({ datname }) => datname);
      for (const { name, before, after } of databases) {
        if (isBefore(after, reached) && !names.includes(name)) problems.push(`database ${name} is missing`);
        if (isAfter(before, reached) && names.includes(name)) problems.push(`database ${name} is from later`);
        if (!isBefore(after, reached)) continue;
        await using inside = await session(of(name));
        const { rows: counted } = await inside.query<{ count: number }>('SELECT count(*)::int AS count FROM inside');
        if (counted[0]?.count !== 5000) problems.push(`database ${name} has ${counted[0]?.count} rows`);
      }
      return [...problems, ...(await usable(client))];
    },
  };
}

const momentSql = `pg_current_wal_insert_lsn()::text AS lsn,
  to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS time`;
interface MomentRow extends pg.QueryResultRow {
  lsn: string;
  time: string;
}

function momentOf(row: MomentRow | undefined): Moment {
  const [high = '0', low = '0'] = (row?.lsn ?? '').split('/');
  return { lsn: (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`), time: row?.time ?? '' };
}

const housekeeping = (own: string, cuts: boolean): string[] => [
  `VACUUM (TRUNCATE ${cuts}) shared`,
  `VACUUM (FREEZE, TRUNCATE ${cuts}) elsewhere`,
  `VACUUM FULL ${own}`,
  'CHECKPOINT',
  'SELECT pg_switch_wal()',
  'ANALYZE shared',
  `INSERT INTO fleeting SELECT n, repeat('f', 100) FROM generate_series(1, 200) n`,
];

/** What one of the writers has, and does next. */
class Writer {
  readonly own: string;
  #number = 0;
  #made = 0;
  readonly #index: number;
  readonly #random: () => number;
  /** Tables that it has made, and objects and rows that are there now. */
  #tables: string[] = [];
  #objects: number[] = [];
  readonly #rows = new Map<string, Set<number>>();

  constructor(index: number, random: () => number) {
    this.#index = index;
    this.#random = random;
    this.own = `own_${index}`;
  }

  chance(share: number): boolean {
    return this.#random() < share;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.#random() * items.length)];
    if (item === undefined) throw new Error('there is nothing to choose from');
    return item;
  }

  /** @returns `undefined` when it was given up */
  async transaction(client: pg.Client): Promise<Committed | undefined> {
    const kept: Change[] = [];
    await client.query('BEGIN');
    for (let part = 1 + Math.floor(this.#random() * 4); part > 0; part -= 1) {
      const isNested = this.chance(0.4);
      if (isNested) await client.query('SAVEPOINT part');
      const changes = [await this.#change(client, kept)];
      if (isNested && this.chance(0.3)) changes.push(await this.#change(client, [...kept, ...changes]));
      if (isNested && this.chance(0.5)) await client.query('ROLLBACK TO part');
      else kept.push(...changes);
    }
    if (this.chance(0.2)) {
      await client.query('ROLLBACK');
      return undefined;
    }
    const number = this.#number + 1;
    await client.query('UPDATE progress SET number = $2 WHERE writer = $1', [this.#index, number]);
    const { rows } = await client.query<MomentRow & { xid: string }>(
      `SELECT nextval('numbers'), pg_current_xact_id()::text AS xid, ${momentSql}`,
    );
    await client.query('COMMIT');
    const { rows: later } = await client.query<MomentRow>(`SELECT ${momentSql}`);
    this.#number = number;
    this.#remember(kept);
    return {
      writer: this.#index,
      number,
      xid: rows[0]?.xid ?? '',
      before: momentOf(rows[0]),
      after: momentOf(later[0]),
      changes: kept,
    };
  }

  /** Does one thing; `before`: what this transaction has done already. */
  async #change(client: pg.Client, before: readonly Change[]): Promise<Change> {
    const draw = this.#random();
    if (draw < 0.05) {
      await client.query(`TRUNCATE ${this.own}`);
      return { kind: 'emptied', table: this.own };
    }
    if (draw < 0.12) {
      this.#made += 1;
      const table = `made_${this.#index}_${this.#made}`;
      await client.query(`CREATE TABLE ${table} (id int PRIMARY KEY, value text NOT NULL)`);
      return { kind: 'created', table };
    }
    const dropped = before.flatMap((change) => (change.kind === 'dropped' ? [change.table] : []));
    const tables = this.#tables.filter((table) => !dropped.includes(table));
    if (draw < 0.16 && tables.length > 0) {
      const table = this.pick(tables);
      await client.query(`DROP TABLE ${table}`);
      return { kind: 'dropped', table };
    }
    if (draw < 0.26) return this.#changeObject(client, before);
    return this.#changeRow(client, this.pick([...shared, ...shared, this.own, ...tables]));
  }

  async #changeObject(client: pg.Client, before: readonly Change[]): Promise<Change> {
    const gone = before.flatMap((change) => (change.kind === 'object' ? [change.id] : []));
    const known = this.#objects.filter((id) => !gone.includes(id));
    if (known.length > 3) {
      const id = this.pick(known);
      await client.query('SELECT lo_unlink($1)', [id]);
      return { kind: 'object', id, value: null };
    }
    this.#made += 1;
    const id = 100_000 * (this.#index + 1) + this.#made;
    const value = this.#text(9000);
    await client.query('SELECT lo_from_bytea($1, $2)', [id, Buffer.from(value)]);
    return { kind: 'object', id, value };
  }

  async #changeRow(client: pg.Client, table: string): Promise<Change> {
    const id = this.#index + writers * Math.floor(this.#random() * 400);
    if (this.#rows.get(table)?.has(id) && this.chance(0.4)) {
      await client.query(`DELETE FROM ${table} WHERE id = $1`, [id]);
      return { kind: 'row', table, id, value: null };
    }
    const value = this.#text(this.chance(0.1) ? 12_000 : 300);
    await client.query(`INSERT INTO ${table} VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET value = excluded.value`, [
      id,
      value,
    ]);
    return { kind: 'row', table, id, value };
  }

  /** Of up to so many characters, which do not compress well. */
  #text(most: number): string {
    const length = 1 + Math.floor(this.#random() * most);
    const alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';
    return Array.from({ length }, () => alphabet[Math.floor(this.#random() * 36)]).join('');
  }

  #remember(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === 'created') this.#tables.push(change.table);
      else if (change.kind === 'dropped') this.#tables = this.#tables.filter((table) => table !== change.table);
      else if (change.kind === 'object') {
        this.#objects = this.#objects.filter((id) => id !== change.id);
        if (change.value !== null) this.#objects.push(change.id);
      } else if (change.kind === 'row') {
        const rows = this.#rows.get(change.table) ?? new Set();
        this.#rows.set(change.table, rows);
        if (change.value === null) rows.delete(change.id);
        else rows.add(change.id);
      }
    }
  }
}

const isBefore = ({ lsn, time }: Moment, reached: Reached): boolean =>
  reached === 'end' || ('lsn' in reached && lsn <= reached.lsn) || ('time' in reached && time <= reached.time);
const isAfter = ({ lsn, time }: Moment, reached: Reached): boolean =>
  reached !== 'end' && (('lsn' in reached && lsn > reached.lsn) || ('time' in reached && time > reached.time));

/** What is missing of what was committed by then, and what is there of what came later. */
function outOfBounds(committed: readonly Committed[], counts: readonly number[], reached: Reached): string[] {
  const target =
    typeof reached === 'object' && 'xid' in reached ? committed.find(({ xid }) => xid === reached.xid) : undefined;
  return committed.flatMap((each) => {
    const { writer, number, xid, before, after } = each;
    const isThere = number <= (counts[writer] ?? 0);
    const name = `transaction ${xid}, ${number} of writer ${writer},`;
    const mustBe = target ? each === target || after.lsn <= target.before.lsn : isBefore(after, reached);
    const mustNotBe = target ? each !== target && before.lsn >= target.after.lsn : isAfter(before, reached);
    if (mustBe && !isThere) return [`${name} is missing`];
    return mustNotBe && isThere ? [`${name} is from later`] : [];
  });
}

/** What is there after so many transactions of each writer. */
function replay(committed: readonly Committed[], counts: readonly number[]): Record<string, string> {
  const tables = new Map<string, Map<number, string>>();
  const objects = new Map<number, string>();
  for (const table of [...shared, ...counts.map((_count, writer) => `own_${writer}`)]) tables.set(table, new Map());
  const all = committed.filter(({ writer, number }) => number <= (counts[writer] ?? 0));
  // In the order in which each writer did them; writers have nothing in common.
  for (const change of all.flatMap(({ changes }) => changes)) {
    if (change.kind === 'object') put(objects, change.id, change.value);
    else if (change.kind === 'row') put(tables.get(change.table) ?? new Map(), change.id, change.value);
    else if (change.kind === 'dropped') tables.delete(change.table);
    else tables.set(change.table, new Map());
  }
  const sums = [...tables].map(([table, rows]): [string, string] => [table, checksum(rows)]);
  return { ...Object.fromEntries(sums), 'large objects': checksum(objects) };
}

function put(rows: Map<number, string>, id: number, value: string | null): void {
  if (value === null) rows.delete(id);
  else rows.set(id, value);
}

function checksum(rows: ReadonlyMap<number, string>): string {
  const lines = [...rows].toSorted(([a], [b]) => a - b).map(([id, value]) => `${id}:${value}`);
  return createHash('md5').update(lines.join(',')).digest('hex');
}

async function contentOf(client: pg.Client): Promise<Content> {
  const { rows: progress } = await client.query<{ number: number }>('SELECT number FROM progress ORDER BY writer');
  const { rows: tables } = await client.query<{ name: string }>(`
    SELECT relname AS name
    FROM   pg_class
    WHERE  relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname NOT IN ('progress', 'fleeting')`);
  const checksums: Record<string, string> = {};
  for (const { name } of tables) checksums[name] = await sumOf(client, `SELECT id, value FROM ${name}`);
  checksums['large objects'] = await sumOf(
    client,
    `SELECT oid::int AS id, convert_from(lo_get(oid), 'UTF8') AS value FROM pg_largeobject_metadata`,
  );
  return { counts: progress.map(({ number }) => number), checksums };
}

async function sumOf(client: pg.Client, rows: string): Promise<string> {
  const text = `SELECT md5(coalesce(string_agg(id || ':' || value, ',' ORDER BY id), '')) AS sum FROM (${rows}) r`;
  return (await client.query<{ sum: string }>(text)).rows[0]?.sum ?? '';
}

/** What does not work on a server that has recovered: indexes that do not fit their tables, numbers given twice. */
async function usable(client: pg.Client): Promise<string[]> {
  const problems: string[] = [];
  const { rows } = await client.query<{ given: string; fleeting: string }>(`
    SELECT nextval('numbers')::text AS given, (SELECT count(*)::text FROM fleeting) AS fleeting`);
  const { rows: counted } = await client.query<{ sum: string }>('SELECT sum(number)::text AS sum FROM progress');
  if (Number(rows[0]?.given) <= Number(counted[0]?.sum)) problems.push(`the sequence gives ${rows[0]?.given} again`);
  if (rows[0]?.fleeting !== '0') problems.push('an unlogged table is not empty');
  await client.query('CREATE EXTENSION amcheck');
  await client.query(`
    SELECT bt_index_check(indexrelid, true)
    FROM   pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE  relam = (SELECT oid FROM pg_am WHERE amname = 'btree') AND relpersistence = 'p'`);
  await client.query('INSERT INTO fleeting VALUES (1)');
  return problems;
}
