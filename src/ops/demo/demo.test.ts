import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { startDemo } from './index.ts';

const ORDERS = 5000;

async function connect(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client(url);
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

test('the demo is a shop with its faults, kept for the next start', async () => {
  await using folder = temporaryFolder();
  const dataDir = join(folder.path, 'demo');
  const said: string[] = [];
  const demo = await startDemo({ dataDir, orders: ORDERS, onProgress: (text) => said.push(text) });
  expect(said[0]).toBe(`Making a sample shop with 5,000 orders in ${dataDir}, once …`);
  expect(new URL(demo.primaryUrl)).toMatchObject({ username: 'pitcrew', pathname: '/shop' });
  {
    await using client = await connect(demo.primaryUrl);
    const one = async (sql: string): Promise<pg.QueryResultRow | undefined> => (await client.query(sql)).rows[0];
    // The shop's figures add up, and cover two years.
    expect(
      await one(`
        SELECT count(*)::int AS orders,
               count(*) FILTER (WHERE o.total_cents = i.total)::int AS right_totals,
               extract(day FROM max(placed_at) - min(placed_at)) > 700 AS two_years
          FROM orders o
          JOIN (SELECT order_id, sum(quantity * unit_price_cents) AS total FROM order_items GROUP BY 1) i ON i.order_id = o.id
      `),
    ).toEqual({ orders: ORDERS, right_totals: ORDERS, two_years: true });
    // Skew: the best of 200 products sells many times its share.
    expect(
      await one(`
        SELECT (SELECT count(*) FROM order_items GROUP BY product_id ORDER BY 1 DESC LIMIT 1)
               > 10 * count(*) / 200 AS skewed
          FROM order_items
      `),
    ).toEqual({ skewed: true });
    // Missing index.
    const plan = await client.query({
      text: `EXPLAIN SELECT * FROM orders WHERE tracking_code = 'x'`,
      rowMode: 'array',
    });
    expect(String(plan.rows[0])).toMatch(/Seq Scan on orders/);
    // Bloat where autovacuum is off.
    expect(
      await one(`
        SELECT n_dead_tup > n_live_tup AS bloated, reloptions
          FROM pg_stat_user_tables
          JOIN pg_class ON oid = relid
         WHERE pg_class.relname = 'carts'
      `),
    ).toEqual({ bloated: true, reloptions: ['autovacuum_enabled=false'] });
    // A duplicate and an unused index.
    expect(
      await one(`
        SELECT string_agg(indexrelid::regclass::text, ', ' ORDER BY indexrelid::regclass::text) AS same
          FROM pg_index
         WHERE indpred IS NULL
         GROUP BY indrelid, indkey::text, indclass::text
        HAVING count(*) > 1
      `),
    ).toEqual({ same: 'index_orders_on_customer_id, orders_customer_id_idx' });
    expect(
      await one(`SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'orders_country_currency_idx'`),
    ).toEqual({ idx_scan: '0' });
    // A sequence near its end.
    expect(
      await one(
        `SELECT last_value > 0.89 * 2147483647 AS near FROM pg_sequences WHERE sequencename = 'email_log_id_seq'`,
      ),
    ).toEqual({ near: true });
    // Reports without memory to sort in.
    expect(
      await one(`SELECT 'work_mem=1MB' = ANY (rolconfig) AS little FROM pg_roles WHERE rolname = 'shop_reports'`),
    ).toEqual({
      little: true,
    });
    // The role that watches may watch and signal, and is no superuser.
    expect(
      await one(`
        SELECT rolsuper, pg_has_role('pg_monitor', 'USAGE') AS monitor, pg_has_role('pg_signal_backend', 'USAGE') AS signal
          FROM pg_roles
         WHERE rolname = current_user
      `),
    ).toEqual({ rolsuper: false, monitor: true, signal: true });
    // Nothing of the making of the shop is left among the statements.
    expect(await one(`SELECT count(*)::int FROM pg_stat_statements WHERE query ~* 'generate_series'`)).toEqual({
      count: 0,
    });
  }
  {
    await using replica = await connect(demo.replicaUrl);
    const { rows } = await replica.query('SELECT pg_is_in_recovery() AS standby, count(*)::int AS orders FROM orders');
    expect(rows).toEqual([{ standby: true, orders: ORDERS }]);
  }
  await demo.stop();

  // Again, without making anything; the data directory holds all there is.
  said.length = 0;
  const again = await startDemo({ dataDir, orders: ORDERS, onProgress: (text) => said.push(text) });
  expect(said.filter((text) => text.startsWith('Making'))).toEqual([]);
  await again.stop();
  expect(readdirSync(folder.path)).toEqual(['demo']);
  expect(existsSync(join(dataDir, 'primary', 'postmaster.pid'))).toBe(false);
  expect(existsSync(join(dataDir, 'replica', 'postmaster.pid'))).toBe(false);

  // Another shop is made in its place.
  const other = await startDemo({ dataDir, orders: 300 });
  {
    await using client = await connect(other.replicaUrl);
    expect((await client.query('SELECT count(*)::int FROM orders')).rows).toEqual([{ count: 300 }]);
  }
  await other.stop();
});

test('the making of the shop can be broken off, and is begun anew', async () => {
  await using folder = temporaryFolder();
  const dataDir = join(folder.path, 'demo');
  const interrupt = new AbortController();
  const starting = startDemo({
    dataDir,
    orders: ORDERS,
    signal: interrupt.signal,
    onProgress: (text) => {
      if (text.startsWith('Making 5,000')) interrupt.abort(new Error('interrupted'));
    },
  });
  await expect(starting).rejects.toThrow('interrupted');
  expect(existsSync(join(dataDir, 'demo.json'))).toBe(false);
  expect(existsSync(join(dataDir, 'primary', 'postmaster.pid'))).toBe(false);
  const demo = await startDemo({ dataDir, orders: 300 });
  await demo.stop();
});

test("somebody else's folder is left alone", async () => {
  await using folder = temporaryFolder();
  mkdirSync(join(folder.path, 'primary'));
  writeFileSync(join(folder.path, 'primary', 'notes.txt'), 'mine');
  await expect(startDemo({ dataDir: folder.path, orders: 300 })).rejects.toMatchObject({ code: 'E_DATA_DIR' });
  expect(readdirSync(join(folder.path, 'primary'))).toEqual(['notes.txt']);
});
