import pg from 'pg';
import { DataSource, EntitySchema, type MigrationInterface, type QueryRunner } from 'typeorm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pool } from '../../../src/index.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';

interface Customer {
  id: number;
  name: string;
  orders?: Order[];
}
interface Order {
  id: number;
  total: string;
  placed: Date;
  customer: Customer;
}

const customers = new EntitySchema<Customer>({
  name: 'customer',
  columns: { id: { type: Number, primary: true, generated: true }, name: { type: 'text', unique: true } },
  relations: { orders: { type: 'one-to-many', target: 'order', inverseSide: 'customer' } },
});
const orders = new EntitySchema<Order>({
  name: 'order',
  columns: {
    id: { type: Number, primary: true, generated: true },
    total: { type: 'numeric' },
    placed: { type: 'timestamptz' },
  },
  relations: { customer: { type: 'many-to-one', target: 'customer', inverseSide: 'orders', nullable: false } },
});

class AddNote1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE customer ADD COLUMN note text');
  }
  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE customer DROP COLUMN note');
  }
}

let database: TestDatabase;
let source: DataSource;
const pools: Pool[] = [];

class WatchedPool extends Pool {
  constructor(options: ConstructorParameters<typeof Pool>[0]) {
    super(options);
    pools.push(this);
  }
}

beforeAll(async () => {
  database = await testDatabase();
  source = new DataSource({
    type: 'postgres',
    url: database.url,
    driver: { ...pg, Pool: WatchedPool },
    extra: { max: 8, lanes: 2 },
    entities: [customers, orders],
    migrations: [AddNote1700000000000],
    synchronize: true,
    installExtensions: false,
  });
  await source.initialize();
});

afterAll(async () => {
  await source.destroy();
  expect(pools.map(({ ended }) => ended)).toEqual([true]);
  await database[Symbol.asyncDispose]();
});

test('it is our pool that is used', () => {
  expect(pools.length).toBe(1);
  expect(pools[0]?.options.max).toBe(8);
});

test('entities and relations are saved and found', async () => {
  const repository = source.getRepository(customers);
  const saved = await Promise.all(Array.from({ length: 30 }, (_, i) => repository.save({ name: `customer ${i}` })));
  await source
    .getRepository(orders)
    .save(saved.map((customer, i) => ({ total: `${i}.50`, placed: new Date(i * 1000), customer })));
  const found = await Promise.all(
    saved.map(({ id }) => repository.findOneOrFail({ where: { id }, relations: { orders: true } })),
  );
  expect(found.map(({ name, orders: own }) => [name, own?.[0]?.total, own?.[0]?.placed])).toEqual(
    saved.map((_, i) => [`customer ${i}`, `${i}.50`, new Date(i * 1000)]),
  );
  const counted = await source
    .createQueryBuilder(orders, 'o')
    .select('count(*)::int', 'n')
    .where('o.total > :least', { least: 20 })
    .getRawOne<{ n: number }>();
  expect(counted).toEqual({ n: 10 });
});

test('transactions and query runners', async () => {
  const names = async (): Promise<string[]> =>
    (await source.query<{ name: string }[]>('SELECT name FROM customer')).map(({ name }) => name);
  await source.transaction('SERIALIZABLE', (manager) => manager.save(customers, { name: 'kept' }));
  const failing = source.transaction(async (manager) => {
    await manager.save(customers, { name: 'lost' });
    await manager.transaction((inner) => inner.save(customers, { name: 'kept' }));
  });
  await expect(failing).rejects.toMatchObject({ code: '23505' });
  const runner = source.createQueryRunner();
  await runner.connect();
  await runner.startTransaction();
  await runner.query('INSERT INTO customer (name) VALUES ($1)', ['undone']);
  await runner.rollbackTransaction();
  await runner.release();
  expect(await names()).toContain('kept');
  expect(await names()).not.toContain('lost');
  expect(await names()).not.toContain('undone');
});

test('migrations run and are reverted', async () => {
  const read = async (): Promise<unknown> => (await source.query<unknown[]>('SELECT * FROM customer LIMIT 1'))[0];
  await source.getRepository(customers).save({ name: 'someone' });
  for (let i = 0; i < 5; i++) expect(await read()).not.toHaveProperty('note');
  expect((await source.runMigrations()).map(({ name }) => name)).toEqual(['AddNote1700000000000']);
  for (let i = 0; i < 5; i++) expect(await read()).toHaveProperty('note');
  await source.undoLastMigration();
  for (let i = 0; i < 5; i++) expect(await read()).not.toHaveProperty('note');
});

test('rows are streamed', async () => {
  const runner = source.createQueryRunner();
  const stream = await runner.stream('SELECT n FROM generate_series(1, 500) n');
  let sum = 0;
  for await (const row of stream) sum += (row as unknown as { n: number }).n;
  expect(sum).toBe(125_250);
  await runner.release();
});
