import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Pool } from '../../src/client/pool/index.ts';
import { runInScope } from '../../src/client/scope.ts';
import { clusterPool, type ClusterPool, named } from '../support/cluster-pool.ts';
import { frozen, lagging, type Replicated, replicatedServers } from '../support/replicated.ts';

const patient = { timeout: 20_000 };

async function counters(servers: Replicated, count: number): Promise<void> {
  await servers.query(servers.primary, 'CREATE TABLE counter (id int PRIMARY KEY, n int NOT NULL)');
  await servers.query(servers.primary, `INSERT INTO counter SELECT id, 0 FROM generate_series(0, ${count - 1}) AS id`);
  await servers.query(servers.primary, 'GRANT ALL ON counter TO app');
  for (const replica of servers.replicas)
    await expect
      .poll(() =>
        servers.query(replica, `SELECT has_table_privilege('app', to_regclass('counter'), 'UPDATE') AS ready`),
      )
      .toEqual([{ ready: true }]);
}

test('nobody misses a write of his own, in requests and outside of them, on replicas that lag', async () => {
  const sessions = 6;
  await using servers = await replicatedServers();
  await counters(servers, sessions);
  await using pool = clusterPool(servers);
  const ended = new AbortController();
  const lag = lagging(servers, ended.signal);
  const began = performance.now();
  const readFrom = (server: { port: number }, where: string): number =>
    pool.outcomes.filter(({ endpoint, text }) => endpoint === named(server) && text.includes(where)).length;
  /** Three seconds, or for as long as it takes until both replicas were read. */
  const goesOn = (): boolean => {
    const seconds = (performance.now() - began) / 1000;
    return seconds < 3 || (seconds < 30 && servers.replicas.some((server) => readFrom(server, 'inside') <= 10));
  };
  const acknowledged = new Map<number, number>();
  const stale: string[] = [];

  async function readCounter(of: number, where: string): Promise<void> {
    const expected = acknowledged.get(of) ?? 0;
    const { rows } = await pool.query<{ n: number }>(`SELECT n FROM counter WHERE id = $1 /* ${where} */`, [of]);
    if ((rows[0]?.n ?? -1) < expected) stale.push(`${where}: ${rows[0]?.n} of ${of}, written was ${expected}`);
  }

  /** A request: some writes, by a statement or a transaction, and many reads of what it has written. */
  async function request(id: number): Promise<void> {
    const update = 'UPDATE counter SET n = n + 1 WHERE id = $1 RETURNING n';
    const { rows } =
      Math.random() < 0.5
        ? await pool.query<{ n: number }>(update, [id])
        : await pool.transaction((client) => client.query<{ n: number }>(update, [id]));
    acknowledged.set(id, rows[0]?.n ?? -1);
    const readUntil = performance.now() + Math.random() * 250;
    while (performance.now() < readUntil) {
      await readCounter(id, 'inside');
      await turn();
    }
  }

  const session = async (id: number): Promise<void> => {
    while (goesOn()) await runInScope('request', () => request(id));
  };
  const outside = async (): Promise<void> => {
    while (goesOn()) {
      await readCounter(Math.floor(Math.random() * sessions), 'outside');
      await turn();
    }
  };
  await Promise.all([...Array.from({ length: sessions }, (_, id) => session(id)), outside(), outside()]);
  ended.abort();
  await lag;

  expect(stale).toEqual([]);
  for (const replica of servers.replicas) expect(readFrom(replica, 'inside')).toBeGreaterThan(10);
  expect(pool.outcomes.filter(({ error }) => error)).toEqual([]);
});

/** Requests that only read, a few at a time, until told to stop. */
class Readers {
  readonly failures: unknown[] = [];
  longestMs = 0;
  readonly #done: Promise<unknown>;
  #stopped = false;

  constructor(pool: Pool) {
    const read = async (): Promise<void> => {
      while (!this.#stopped) {
        const began = performance.now();
        try {
          await runInScope('reader', () => pool.query('SELECT n FROM counter WHERE id = $1', [0]));
        } catch (error) {
          this.failures.push(error);
        }
        this.longestMs = Math.max(this.longestMs, performance.now() - began);
        await turn();
      }
    };
    this.#done = Promise.all(Array.from({ length: 5 }, read));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }
}

/** How many reads each server has answered since the last call. */
function served(pool: ClusterPool): (server: { port: number }) => number {
  const outcomes = pool.outcomes.splice(0);
  return (server) => outcomes.filter(({ endpoint, error }) => endpoint === named(server) && !error).length;
}

test('a replica is away, hangs, or is late: reads go elsewhere without an error, and come back with it', async () => {
  await using servers = await replicatedServers();
  const [one, two] = servers.replicas;
  await counters(servers, 1);
  await using pool = clusterPool(servers, { replicas: { maxLagMillis: 500 } });
  await pool.query('SELECT 1');
  const readers = new Readers(pool);

  const bothServe = async (): Promise<void> => {
    served(pool);
    let counts = [0, 0];
    await expect
      .poll(() => {
        const by = served(pool);
        counts = [by(one), by(two)];
        return Math.min(...counts);
      }, patient)
      .toBeGreaterThan(5);
    readers.longestMs = 0;
  };
  /** Until the replica has answered nothing for a while. */
  const onlyTwoServes = async (): Promise<void> => {
    await expect
      .poll(
        () => {
          const by = served(pool);
          return by(two) > 5 && by(one) === 0;
        },
        { ...patient, interval: 100 },
      )
      .toBe(true);
  };

  await bothServe();
  await one.whileStopped(() => onlyTwoServes());
  await bothServe();
  {
    using _ = frozen(one);
    await onlyTwoServes();
    // Those that were on it have not waited for much longer than a probe may take.
    await expect.poll(() => readers.longestMs, patient).toBeGreaterThan(1000);
  }
  await bothServe();
  await servers.query(one, 'SELECT pg_wal_replay_pause()');
  const writing = setInterval(() => void servers.query(servers.primary, 'UPDATE counter SET n = n + 1'), 100);
  await onlyTwoServes();
  await servers.query(one, 'SELECT pg_wal_replay_resume()');
  await bothServe();
  clearInterval(writing);
  await readers.stop();
  expect(readers.failures).toEqual([]);
  expect(pool.warnings.map(({ code }) => code).filter((code) => code === 'replica-out')).toHaveLength(3);
});
