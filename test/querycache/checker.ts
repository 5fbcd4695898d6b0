import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import {
  type Dependency,
  Fence,
  type Snapshot,
  snapshotOf,
  type SnapshotRow,
  snapshotStatement,
} from '../../src/client/querycache/fence/index.ts';
import { eventually } from '../support/replicated.ts';
import { type Random, randomOf } from '../support/truth/random.ts';
import { ChangeStream, type StreamEvent } from '../../src/client/querycache/stream/index.ts';
import { TriggerStream } from '../../src/client/querycache/triggers/index.ts';

export type Source = 'replication' | 'triggers';

export interface CheckerOptions {
  /** The primary. */
  url: string;
  /** Where readers read, one after the other; the primary without. */
  readUrls?: readonly string[];
  /** Where changes come from: logical replication, or triggers. */
  source?: Source;
  /** Off: entries are deleted when a change arrives, and results refused when one has arrived since they were asked for. */
  fenced: boolean;
  /** Until so many results were kept. */
  fills: number;
  seed: number;
  /** The stream is cut now and then, but not towards the end. */
  cuts?: boolean;
  writers?: number;
  readers?: number;
}

export interface Outcome {
  fills: number;
  hits: number;
  refused: number;
  /** Entries left in the end, and those of them that are not what the database says. */
  left: number;
  wrong: string[];
  transactions: number;
  epochs: number;
}

interface Question {
  id: string;
  text: string;
  values: unknown[];
  dependencies(oids: Oids): Dependency[];
}

type Oids = Record<'accounts' | 'items' | 'marks', number>;

const cuts: Record<Source, string> = {
  replication: 'SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE active AND temporary',
  triggers: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`,
};

/** Few enough that the same are asked for and written again and again. */
const ROWS = 120;
const REGIONS = 6;

export async function prepare(url: string): Promise<void> {
  await using admin = await connected(url);
  await admin.client.query(`
    CREATE TABLE accounts (id int PRIMARY KEY, region int NOT NULL, balance int NOT NULL);
    CREATE TABLE items (account int, line int, note text, PRIMARY KEY (account, line));
    CREATE TABLE marks (id int PRIMARY KEY);
    INSERT INTO accounts SELECT i, i % ${REGIONS}, 100 FROM generate_series(1, ${ROWS}) i;
    INSERT INTO items SELECT i, l, 'first' FROM generate_series(1, ${ROWS}) i, generate_series(1, 2) l;
  `);
}

/** Writers that know of nothing, readers that keep what they read, and in the end a comparison. */
export async function check(options: CheckerOptions): Promise<Outcome> {
  const random = randomOf(options.seed);
  const cache = new Map<string, { value: string; question: Question }>();
  const keeper = options.fenced ? fencedKeeper(cache) : plainKeeper(cache);
  const evicted: string[] = [];
  const mark = Promise.withResolvers<void>();
  await using admin = await connected(options.url);
  const { rows } = await admin.client.query<{ name: keyof Oids; oid: number }>(
    `SELECT relname AS name, oid FROM pg_class WHERE relname IN ('accounts', 'items', 'marks')`,
  );
  const oids = Object.fromEntries(rows.map(({ name, oid }) => [name, oid])) as Oids;
  const { source = 'replication' } = options;
  const settings = {
    connection: () => ({ connectionString: options.url }),
    watchEveryMs: 50,
    listener(event: StreamEvent) {
      evicted.push(...keeper.heard(event));
      if (evicted.length > 50) evicted.splice(0, evicted.length - 50);
      if (event.type === 'changed' && event.tables.has(oids.marks)) mark.resolve();
    },
  };
  const stream =
    source === 'triggers'
      ? new TriggerStream({ ...settings, createTriggers: true })
      : new ChangeStream({ ...settings, createPublication: 'tables' });
  const { state, reason } = await stream.start();
  if (state !== 'open') throw new Error(reason);

  const outcome: Outcome = { fills: 0, hits: 0, refused: 0, left: 0, wrong: [], transactions: 0, epochs: 0 };
  const done = (): boolean => outcome.fills >= options.fills;
  const writer = async (): Promise<void> => {
    await using own = await connected(options.url);
    while (!done()) {
      await transaction(own.client, random);
      outcome.transactions += 1;
      await pause(random(6));
    }
  };
  const reader = async (at: number): Promise<void> => {
    const urls = options.readUrls ?? [options.url];
    await using own = await connected(urls[at % urls.length] ?? options.url);
    while (!done()) {
      // What was just evicted is asked for first, as popular results are.
      const question = (random(3) > 0 && questionOf(evicted.pop())) || anyQuestion(random);
      if (cache.has(question.id)) {
        outcome.hits += 1;
        await pause(0);
        continue;
      }
      const token = keeper.token();
      const [taken, answer] = await Promise.all([
        own.client.query<SnapshotRow>(snapshotStatement),
        own.client.query(question.text, question.values),
      ]);
      if (random(4) === 0) await pause(random(5));
      const snapshot = snapshotOf(taken.rows[0]);
      if (keeper.keep(question, JSON.stringify(answer.rows), question.dependencies(oids), snapshot, token)) {
        outcome.fills += 1;
      } else outcome.refused += 1;
    }
  };
  const cutter = async (): Promise<void> => {
    let filled = 0;
    while (options.cuts && outcome.fills < options.fills / 2) {
      await pause(150 + random(300));
      // By the clock alone a busy machine would be cut off before it gets anywhere.
      if (outcome.fills < filled + options.fills / 40) continue;
      filled = outcome.fills;
      await admin.client.query(cuts[source]);
    }
  };
  try {
    await Promise.all([
      cutter(),
      ...Array.from({ length: options.writers ?? 4 }, writer),
      ...Array.from({ length: options.readers ?? 6 }, (_, at) => reader(at)),
    ]);
    await eventually(() => stream.stats().state).toBe('open');
    // In the order of commits: when this has arrived, all has. The last cut may not have been noticed yet: then it is made again.
    const marked = mark.promise.then(() => true);
    do {
      await admin.client.query('INSERT INTO marks VALUES (1) ON CONFLICT (id) DO UPDATE SET id = marks.id');
    } while (!(await Promise.race([marked, pause(500, false)])));
    outcome.left = cache.size;
    for (const [id, { value, question }] of cache) {
      const answer = await admin.client.query(question.text, question.values);
      if (JSON.stringify(answer.rows) !== value) outcome.wrong.push(id);
    }
    outcome.epochs = stream.stats().epochs;
  } finally {
    await stream.close();
  }
  return outcome;
}

interface Keeper {
  token(): number | undefined;
  /** @returns what was evicted. */
  heard(event: StreamEvent): string[];
  keep(question: Question, value: string, on: Dependency[], snapshot: Snapshot, token: number | undefined): boolean;
}

type Cache = Map<string, { value: string; question: Question }>;

function fencedKeeper(cache: Cache): Keeper {
  const fence = new Fence();
  const gone = (ids: string[]): string[] => {
    for (const id of ids) cache.delete(id);
    return ids;
  };
  return {
    token: () => fence.token(),
    heard(event) {
      if (event.type === 'open') return gone(fence.open(event.snapshot));
      if (event.type === 'closed') return gone(fence.close());
      if (event.type === 'changed') return gone(fence.changed(event));
      fence.noted(event.snapshot);
      return [];
    },
    keep(question, value, on, snapshot, token) {
      if (!fence.keep(question.id, on, snapshot, token)) return false;
      cache.set(question.id, { value, question });
      return true;
    },
  };
}

/** What one would do without snapshots: with counters of versions, so that a load does not outlast an invalidation. */
function plainKeeper(cache: Cache): Keeper {
  let version = 0;
  const changedAt = new Map<number, number>();
  const dependencies = new Map<string, Dependency[]>();
  return {
    token: () => version,
    heard(event) {
      if (event.type !== 'changed') return [];
      version += 1;
      const gone: string[] = [];
      for (const [table, keys] of event.tables) {
        changedAt.set(table, version);
        for (const [id, on] of dependencies) {
          const concerned = on.some(
            (one) => one.table === table && (keys === 'all' || (one.keys?.some((key) => keys.has(key)) ?? true)),
          );
          if (concerned && cache.delete(id)) gone.push(id);
        }
      }
      return gone;
    },
    keep(question, value, on, _snapshot, token = 0) {
      if (on.some(({ table }) => (changedAt.get(table) ?? 0) > token)) return false;
      cache.set(question.id, { value, question });
      dependencies.set(question.id, on);
      return true;
    },
  };
}

function questionOf(id: string | undefined): Question | undefined {
  const [kind = '', number = ''] = id?.split(' ') ?? [];
  return kind === '' ? undefined : questionAbout(kind, Number(number));
}

function anyQuestion(random: Random): Question {
  const kind = ['account', 'account', 'account', 'items', 'region', 'both'][random(6)] ?? 'account';
  return questionAbout(kind, kind === 'region' ? random(REGIONS) : 1 + random(ROWS));
}

function questionAbout(kind: string, number: number): Question {
  const id = `${kind} ${number}`;
  const values = [number];
  switch (kind) {
    case 'items':
      return {
        id,
        values,
        text: 'SELECT line, note FROM items WHERE account = $1 ORDER BY line',
        dependencies: ({ items }) => [{ table: items }],
      };
    case 'region':
      return {
        id,
        values,
        text: 'SELECT count(*) AS accounts, sum(balance) AS balance FROM accounts WHERE region = $1',
        dependencies: ({ accounts }) => [{ table: accounts }],
      };
    case 'both':
      return {
        id,
        values,
        text: `SELECT a.balance, i.line, i.note FROM accounts a JOIN items i ON i.account = a.id WHERE a.id = $1 ORDER BY i.line`,
        dependencies: ({ accounts, items }) => [{ table: accounts, keys: [String(number)] }, { table: items }],
      };
    default:
      return {
        id,
        values,
        text: 'SELECT * FROM accounts WHERE id = $1',
        dependencies: ({ accounts }) => [{ table: accounts, keys: [String(number)] }],
      };
  }
}

/** One transaction of a client that has never heard of a cache. */
async function transaction(client: pg.Client, random: Random): Promise<void> {
  const statements = Array.from({ length: 1 + random(3) }, () => write(random));
  const alone = random(3) === 0;
  const middle = random(3) === 0 ? ['SAVEPOINT s', write(random), random(2) ? 'ROLLBACK TO s' : 'RELEASE s'] : [];
  const whole = ['BEGIN', ...statements, ...middle, random(8) ? 'COMMIT' : 'ROLLBACK'];
  try {
    await client.query(alone ? (statements[0] ?? '') : whole.join('; '));
  } catch (error) {
    // Writers run into each other: the server ends one of them.
    if (!(error instanceof pg.DatabaseError) || !['40P01', '23505'].includes(error.code ?? '')) throw error;
    await client.query('ROLLBACK');
  }
}

function write(random: Random): string {
  const id = 1 + random(ROWS);
  switch (random(10)) {
    case 0:
      return `DELETE FROM accounts WHERE id = ${id}`;
    case 1:
      return `INSERT INTO accounts VALUES (${id}, ${random(REGIONS)}, 50) ON CONFLICT (id) DO NOTHING`;
    case 2:
      return `UPDATE items SET note = md5(random()::text) WHERE account = ${id}`;
    case 3:
      return `UPDATE accounts SET balance = balance + 1 WHERE region = ${random(REGIONS)}`;
    default:
      return `UPDATE accounts SET balance = balance + ${1 + random(9)} WHERE id = ${id}`;
  }
}

async function connected(url: string): Promise<{ client: pg.Client } & AsyncDisposable> {
  const client = new pg.Client({ connectionString: url, pipeline: true });
  await client.connect();
  return { client, [Symbol.asyncDispose]: () => client.end() };
}
