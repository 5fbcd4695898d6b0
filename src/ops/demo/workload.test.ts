import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { type EmbeddedServer, startServer, throwawayServer } from '../embedded/index.ts';
import { backOfficeTasks } from './back-office.ts';
import { seedShop, shopSize } from './seed.ts';
import { storefrontTasks } from './storefront.ts';
import type { Task } from './task.ts';
import { deadlock, failingPayment, missingColumn, openTransaction, waitingInLine } from './trouble.ts';
import { startWorkload, type Workload, type WorkloadOptions } from './workload.ts';

const folder = temporaryFolder();
const size = shopSize(5000);
const password = 'abc';
let server: EmbeddedServer;
let admin: pg.Pool;

beforeAll(async () => {
  server = await startServer({
    dataDir: join(folder.path, 'data'),
    superuser: 'postgres',
    settings: { ...throwawayServer, shared_preload_libraries: 'pg_stat_statements', max_connections: '60' },
  });
  await seedShop(server, 'shop', size, password, () => {});
  admin = new pg.Pool({ connectionString: server.url('shop'), max: 1 });
  admin.on('error', () => {});
});

afterAll(async () => {
  await admin.end();
  await server.stop('immediate');
  await folder[Symbol.asyncDispose]();
});

/** A workload on the one server, which stands for the replica as well. */
function start(options: Partial<WorkloadOptions>): Workload {
  const url = (role: string): string => server.url('shop').replace(/\/\/[^@]*@/, `//${role}:${password}@`);
  return startWorkload({ url, size, ...options });
}

const until = (check: () => Promise<void> | void): Promise<void> =>
  vi.waitFor(check, { timeout: 30_000, interval: 50 });

test('everything that a good day holds works, and shows the faults', async () => {
  const ran = new Set<Task>();
  // All at the same pace, at any hour.
  const tasks = [...storefrontTasks, ...backOfficeTasks].map((task): Task => {
    const run: Task['run'] = async (shop) => {
      await task.run(shop);
      ran.add(task);
    };
    return { name: task.name, perSecond: 10, steady: true, run };
  });
  const workload = start({ tasks });
  try {
    await until(() => expect(ran.size).toBe(tasks.length));
    const nPlusOne = `
      SELECT sum(calls) FILTER (WHERE query LIKE '%FROM "order_items"%')
             > 3 * sum(calls) FILTER (WHERE query LIKE '%"orders"."customer_id" = $1%') AS many
        FROM pg_stat_statements
    `;
    await until(async () => expect((await admin.query(nPlusOne)).rows).toEqual([{ many: true }]));
    // The only error is an address that is taken.
    expect(Object.keys(workload.counts().errors).filter((code) => code !== '23505')).toEqual([]);
  } finally {
    await workload.stop();
  }
});

const chain = `
  SELECT
    FROM pg_stat_activity AS waiter
    JOIN pg_stat_activity AS middle ON middle.pid = ANY (pg_blocking_pids(waiter.pid))
    JOIN pg_stat_activity AS holder ON holder.pid = ANY (pg_blocking_pids(middle.pid))
   WHERE waiter.application_name = 'back-office'
     AND middle.application_name = 'checkout'
     AND holder.application_name = 'order-worker'
`;
const open = `
  SELECT
    FROM pg_stat_activity
   WHERE state = 'idle in transaction'
     AND application_name = 'back-office'
`;

test.each([
  ['sessions that wait in line', waitingInLine, chain],
  ['an open transaction', openTransaction, open],
])('%s can be seen', async (_, { run }, sql) => {
  const workload = start({ tasks: [{ name: 'trouble', run, perSecond: 5, steady: true }] });
  try {
    await until(async () => expect((await admin.query(sql)).rowCount).toBeGreaterThan(0));
  } finally {
    await workload.stop();
  }
  await until(async () => {
    const { rows } = await admin.query(`SELECT count(*)::int FROM pg_stat_activity WHERE usename LIKE 'shop%'`);
    expect(rows).toEqual([{ count: 0 }]);
  });
});

test.each([
  ['deadlocks', deadlock, '40P01'],
  ['a release without its migration', missingColumn, '42703'],
  ['payments that fail', failingPayment, '22012'],
])('%s are errors of their kind', async (_, { run }, code) => {
  const workload = start({ tasks: [{ name: 'trouble', run, perSecond: 5, steady: true }] });
  try {
    await until(() => expect(workload.counts().errors).toMatchObject({ [code]: expect.any(Number) }));
  } finally {
    await workload.stop();
  }
});

test('it goes on after the server was away', async () => {
  const workload = start({ rate: 5 });
  try {
    await until(() => expect(workload.counts().done).toBeGreaterThan(20));
    await server.whileStopped(() => until(() => expect(workload.counts().errors['ECONNREFUSED']).toBeGreaterThan(0)));
    const before = workload.counts().done;
    await until(() => expect(workload.counts().done).toBeGreaterThan(before + 20));
  } finally {
    await workload.stop();
  }
});
