import { type Generated, Kysely, PostgresDialect, sql } from 'kysely';
import Cursor from 'pg-cursor';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { Pool } from '../../../src/index.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';

interface Schema {
  people: { id: Generated<number>; name: string; born: Date | null };
}

let database: TestDatabase;
let pool: Pool;
let db: Kysely<Schema>;

beforeAll(async () => {
  database = await testDatabase();
  pool = new Pool({ connectionString: database.url });
  db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool, cursor: Cursor }) });
  await db.schema
    .createTable('people')
    .addColumn('id', 'serial', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('born', 'timestamptz')
    .execute();
});

afterAll(async () => {
  await db.destroy();
  expect(pool.ended).toBe(true);
  await database[Symbol.asyncDispose]();
});

test('queries of many callers', async () => {
  await db
    .insertInto('people')
    .values(Array.from({ length: 100 }, (_, i) => ({ name: `person ${i}`, born: new Date(i * 86_400_000) })))
    .execute();
  const found = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      db.selectFrom('people').select(['name', 'born']).where('name', '=', `person ${i}`).executeTakeFirstOrThrow(),
    ),
  );
  expect(found).toEqual(
    Array.from({ length: 100 }, (_, i) => ({ name: `person ${i}`, born: new Date(i * 86_400_000) })),
  );
  const { numUpdatedRows } = await db.updateTable('people').set({ born: null }).executeTakeFirstOrThrow();
  expect(numUpdatedRows).toBe(100n);
});

test('transactions, controlled ones and savepoints too', async () => {
  await db.transaction().execute((trx) => trx.insertInto('people').values({ name: 'kept', born: null }).execute());
  const failing = db.transaction().execute(async (trx) => {
    await trx.insertInto('people').values({ name: 'lost', born: null }).execute();
    await trx.insertInto('people').values({ name: 'kept', born: null }).execute();
  });
  await expect(failing).rejects.toMatchObject({ code: '23505' });
  const controlled = await db.startTransaction().execute();
  const saved = await controlled.savepoint('before').execute();
  await saved.insertInto('people').values({ name: 'undone', born: null }).execute();
  await saved.rollbackToSavepoint('before').execute();
  await controlled.commit().execute();
  const names = (await db.selectFrom('people').select('name').execute()).map(({ name }) => name);
  expect(names).toContain('kept');
  expect(names).not.toContain('lost');
  expect(names).not.toContain('undone');
});

test('streams with pg-cursor, read whole and left early', async () => {
  let sum = 0;
  const numbers = db.selectFrom(sql<{ n: number }>`generate_series(1, 1000)`.as('n')).select(sql<number>`n`.as('n'));
  for await (const { n } of numbers.stream(64)) sum += n;
  expect(sum).toBe(500_500);
  for await (const { n } of numbers.stream(1)) {
    expect(n).toBe(1);
    break;
  }
  const { open, idle, waiting } = pool.stats().endpoints[0] ?? {};
  expect([idle, waiting]).toEqual([open, 0]);
});

test('a query that is aborted is cancelled on the server', async () => {
  const controller = new AbortController();
  const sleeping = sql`SELECT pg_sleep(60)`.execute(db, {
    signal: controller.signal,
    inflightQueryAbortStrategy: 'cancel query',
  });
  await vi.waitFor(async () => expect(await sleepers()).toBe(1), { timeout: 20_000 });
  controller.abort(new Error('not wanted any more'));
  await expect(sleeping).rejects.toThrow();
  await vi.waitFor(async () => expect(await sleepers()).toBe(0), { timeout: 20_000 });
});

async function sleepers(): Promise<number> {
  const [row] = await database.query<{ n: number }>(`
    SELECT count(*)::int AS n
      FROM pg_stat_activity
     WHERE state = 'active'
       AND query LIKE 'SELECT pg_sleep%'
  `);
  return row?.n ?? -1;
}
