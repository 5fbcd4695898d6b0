import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runInScope } from '../../src/client/scope.ts';
import { Pool, type PoolOptions } from '../../src/client/pool/index.ts';
import { clusterPool as poolOf, type ClusterPool } from '../support/cluster-pool.ts';
import { testedMajors } from '../support/postgres.ts';
import { type EmbeddedServer, follow, frozen, type Replicated, replicatedServers } from '../support/replicated.ts';

const clusterPool = (servers: Replicated, options: PoolOptions = {}): ClusterPool =>
  poolOf(servers, { max: 10, failoverTimeoutMillis: 15_000, connectionTimeoutMillis: 15_000, ...options });

/** Writes with numbers of their own until told to stop, and remembers what became of each. */
class Workload {
  readonly acknowledged = new Set<number>();
  readonly failed = new Map<number, string>();
  readonly reads = { served: 0, failed: new Set<string>() };
  readonly #pool: Pool;
  #next = 0;
  #stopped = false;
  readonly #done: Promise<unknown>;

  constructor(pool: Pool, writers: number, readers: number) {
    this.#pool = pool;
    this.#done = Promise.all([
      ...Array.from({ length: writers }, (_, i) => this.#writer(i % 2 === 0)),
      ...Array.from({ length: readers }, () => this.#reader()),
    ]);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #writer(alone: boolean): Promise<void> {
    while (!this.#stopped) {
      const id = (this.#next += 1);
      try {
        if (alone) await this.#pool.query('INSERT INTO ledger VALUES ($1, 1)', [id]);
        else
          await this.#pool.transaction(async (client) => {
            await client.query('INSERT INTO ledger VALUES ($1, 1)', [id]);
            await client.query('INSERT INTO ledger VALUES ($1, 2)', [id]);
          });
        this.acknowledged.add(id);
      } catch (error) {
        this.failed.set(id, String((error as { code?: string }).code ?? error));
        await turn();
      }
    }
  }

  async #reader(): Promise<void> {
    while (!this.#stopped) {
      try {
        // A request that has written nothing: what the process has written elsewhere need not be seen.
        await runInScope('reader', () => this.#pool.query('SELECT count(*) FROM ledger WHERE id = $1', [1]));
        this.reads.served += 1;
      } catch (error) {
        this.reads.failed.add(`${(error as { code?: string }).code} ${String(error)}`);
        await turn();
      }
    }
  }
}

/** What a server holds of the workload: how many rows of each number and part. */
async function ledgerOf(servers: Replicated, at: EmbeddedServer): Promise<Map<number, string>> {
  const rows = await servers.query<{ id: number; parts: string }>(
    at,
    `SELECT id, string_agg(part::text, ',' ORDER BY part) AS parts FROM ledger GROUP BY id`,
  );
  return new Map(rows.map(({ id, parts }) => [id, parts]));
}

/** Ends a server at once, as `pg_ctl stop -m immediate` does: its clients get no answers any more. */
async function crash(server: EmbeddedServer): Promise<void> {
  const [pid] = readFileSync(join(server.dataDir, 'postmaster.pid'), 'utf8').split('\n');
  process.kill(Number(pid), 'SIGQUIT');
  await server.exited;
}

async function prepare(servers: Replicated): Promise<void> {
  // No key: what is written twice is to be seen.
  await servers.query(servers.primary, 'CREATE TABLE ledger (id int NOT NULL, part int NOT NULL)');
  await servers.query(servers.primary, 'GRANT ALL ON ledger TO app');
  await servers.query(servers.primary, 'GRANT pg_read_all_stats TO app');
  // What is acknowledged is on both replicas.
  await servers.query(servers.primary, `ALTER SYSTEM SET synchronous_standby_names = '2 (*)'`);
  await servers.query(servers.primary, `ALTER SYSTEM SET synchronous_commit = 'on'`);
  await servers.query(servers.primary, 'SELECT pg_reload_conf()');
  const synchronous = `SELECT count(*)::int AS standbys, current_setting('synchronous_commit') AS "commit"
    FROM pg_stat_replication WHERE sync_state = 'sync'`;
  await expect
    .poll(() => servers.query(servers.primary, synchronous), { timeout: 20_000 })
    .toEqual([{ standbys: 2, commit: 'on' }]);
  for (const replica of servers.replicas)
    await expect
      .poll(() => servers.query(replica, `SELECT has_table_privilege('app', to_regclass('ledger'), 'SELECT') AS there`))
      .toEqual([{ there: true }]);
}

function check(workload: Workload, ledger: Map<number, string>): void {
  for (const id of workload.acknowledged) expect([id, ledger.get(id)]).toEqual([id, expect.stringMatching(/^1(,2)?$/)]);
  for (const parts of ledger.values()) expect(parts).toMatch(/^1(,2)?$/);
  // A writer that knows it failed, or that cannot know.
  for (const code of workload.failed.values()) expect(code).toMatch(/^E_(OUTCOME_UNKNOWN|CONNECTION_LOST)$/);
  for (const [id, code] of workload.failed) if (code === 'E_CONNECTION_LOST') expect(ledger.has(id)).toBe(false);
}

test.each(testedMajors(18, 15))(
  'PostgreSQL %i: the primary dies and a replica is promoted under a ledger workload',
  async (major) => {
    await using servers = await replicatedServers(major);
    const [one, two] = servers.replicas;
    await prepare(servers);
    await using pool = clusterPool(servers);
    await pool.query('SELECT 1');
    const workload = new Workload(pool, 20, 5);
    await expect.poll(() => workload.acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(500);

    await crash(servers.primary);
    // Reads go on.
    const before = workload.reads.served;
    await expect.poll(() => workload.reads.served, { timeout: 20_000 }).toBeGreaterThan(before + 200);
    const acknowledgedBefore = workload.acknowledged.size;
    await one.promote();
    await follow(two, one);
    await expect.poll(() => workload.acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(acknowledgedBefore + 500);
    await workload.stop();

    check(workload, await ledgerOf(servers, one));
    expect([...workload.reads.failed]).toEqual([]);
    expect(pool.warnings.map(({ code }) => code)).toContain('failover');
  },
);

test('the primary hangs, a replica is promoted, and the old one wakes: nothing is written there any more', async () => {
  await using servers = await replicatedServers();
  const [one, two] = servers.replicas;
  await prepare(servers);
  await using pool = clusterPool(servers);
  await pool.query('SELECT 1');
  const workload = new Workload(pool, 20, 5);
  await expect.poll(() => workload.acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(500);
  {
    using _ = frozen(servers.primary);
    await one.promote();
    await follow(two, one);
    const acknowledgedBefore = workload.acknowledged.size;
    await expect.poll(() => workload.acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(acknowledgedBefore + 500);
  }
  // It works again, says it is a primary, and ends by itself what had been sent to it before.
  await servers.query(servers.primary, `ALTER SYSTEM SET synchronous_standby_names = ''`);
  await servers.query(servers.primary, 'SELECT pg_reload_conf()');
  await expect.poll(() => pool.warnings.map(({ code }) => code), { timeout: 20_000 }).toContain('two-primaries');
  const working = `SELECT 1 FROM pg_stat_activity WHERE usename = 'app' AND state <> 'idle'`;
  await expect.poll(() => servers.query(servers.primary, working), { timeout: 20_000 }).toEqual([]);
  const rows = 'SELECT count(*)::int AS rows FROM ledger';
  const before = await servers.query(servers.primary, rows);
  const acknowledged = workload.acknowledged.size;
  await expect.poll(() => workload.acknowledged.size, { timeout: 20_000 }).toBeGreaterThan(acknowledged + 500);
  await workload.stop();
  expect(await servers.query(servers.primary, rows)).toEqual(before);
  check(workload, await ledgerOf(servers, one));
  expect([...workload.reads.failed]).toEqual([]);
});
