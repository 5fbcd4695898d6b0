import type pg from 'pg';
import { contentOf, isAfter, isBefore, outOfBounds, type Reached, replay, usable } from './backup-content.ts';
import {
  type Committed,
  housekeeping,
  type Moment,
  momentOf,
  type MomentRow,
  momentSql,
  randomFrom,
  Writer,
  writers,
} from './backup-writer.ts';
import { session } from './catalog.ts';

export { randomFrom, type Reached };

/** A database that was made while the others wrote. */
interface Made {
  name: string;
  before: Moment;
  after: Moment;
}

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
  /** An empty folder for a tablespace; without one there is none. */
  place?: string;
  /** Whether VACUUM makes files shorter, after which there may be no incremental backups. */
  cuts: boolean;
}

/** Transactions of each beside a piece of work that takes long. */
const beside = 40;

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
    ...(place === undefined ? [] : [`CREATE TABLESPACE elsewhere LOCATION '${place}'`]),
    'CREATE TABLE progress (writer int PRIMARY KEY, number int NOT NULL)',
    `INSERT INTO progress SELECT w, 0 FROM generate_series(0, ${writers - 1}) w`,
    'CREATE TABLE shared (id int PRIMARY KEY, value text NOT NULL)',
    'CREATE INDEX ON shared (md5(value))',
    `CREATE TABLE elsewhere (id int PRIMARY KEY${place === undefined ? '' : ' USING INDEX TABLESPACE elsewhere'}, value text NOT NULL)${place === undefined ? '' : ' TABLESPACE elsewhere'}`,
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
