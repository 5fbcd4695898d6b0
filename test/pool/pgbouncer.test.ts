import { describe, expect, test } from 'vitest';
import { Pool } from '../../src/client/pool/index.ts';
import { findPgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { testDatabase } from '../support/postgres.ts';
import { outcomes } from '../support/shared-lane.ts';

const program = findPgBouncer();

describe.skipIf('missing' in program).each(['transaction', 'session'] as const)('PgBouncer in %s mode', (poolMode) => {
  test('many callers, transactions, and nothing left behind in sessions of others', async () => {
    await using database = await testDatabase();
    await database.query('CREATE TABLE ledger (id int NOT NULL)');
    // In session mode each of our connections needs a server's to itself.
    const settings = { default_pool_size: poolMode === 'session' ? '12' : '3' };
    await using bouncer = await startPgBouncer({ backends: { app: database.url }, poolMode, settings });
    const observer = outcomes();
    await using pool = new Pool({ connectionString: bouncer.url('app'), max: 10, observer });
    await Promise.all(
      Array.from({ length: 300 }, async (_, id) => {
        expect((await pool.query<{ id: number }>('SELECT $1::int AS id', [id])).rows).toEqual([{ id }]);
        await pool.query('INSERT INTO ledger VALUES ($1)', [id]);
      }),
    );
    expect(observer.seen).toHaveLength(600);
    expect(observer.seen.filter(({ lane }) => lane)).toEqual([]);
    expect(pool.stats().endpoints[0]).toMatchObject({ lanes: 0 });

    // Each sees its own writes and nobody else's, and none is left open.
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        pool
          .transaction(async (client) => {
            const id = 1000 + i;
            await client.query('INSERT INTO ledger VALUES ($1)', [id]);
            const { rows } = await client.query('SELECT id FROM ledger WHERE id >= 1000');
            expect(rows).toContainEqual({ id });
            if (i % 2 === 0) throw new Error('not this one');
          })
          .catch((error: Error) => expect(error.message).toBe('not this one')),
      ),
    );
    const [held] = await database.query('SELECT count(*)::int AS all, count(DISTINCT id)::int AS ids FROM ledger');
    expect(held).toEqual({ all: 310, ids: 310 });

    const prepared: number[] = [];
    for (let i = 0; i < 20; i++) {
      const { rows } = await pool.query<{ count: number }>('SELECT count(*)::int FROM pg_prepared_statements');
      prepared.push(rows[0]?.count ?? -1);
    }
    expect(new Set(prepared)).toEqual(new Set([0]));
    await expect
      .poll(() =>
        database.query(`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'`),
      )
      .toEqual([]);
  });

  test('it dies and comes back: callers hear of it, and go on', async () => {
    await using database = await testDatabase();
    const options = { backends: { app: database.url }, poolMode };
    const bouncer = await startPgBouncer(options);
    await using pool = new Pool({
      connectionString: bouncer.url('app'),
      max: 5,
      failoverTimeoutMillis: 0,
    });
    await pool.query('SELECT 1');
    await bouncer.stop();
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await using _ = await startPgBouncer({ ...options, settings: { listen_port: String(bouncer.port) } });
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});
