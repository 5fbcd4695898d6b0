import { drizzle } from 'drizzle-orm/node-postgres';
import type { RunnerOptions, WorkerUtilsOptions } from 'graphile-worker';
import type { PostgresPool } from 'kysely';
import type pg from 'pg';
import type { DataSourceOptions } from 'typeorm';
import { expect, expectTypeOf, test } from 'vitest';
import type { PGStoreOptions } from 'connect-pg-simple';
import { Pool, type PoolOptions } from '../../../src/index.ts';

// That this compiles is the test.

test('a pool fits where pg.Pool is expected', async () => {
  expectTypeOf<Pool>().toExtend<pg.Pool>();
  expectTypeOf<Pool>().toExtend<PostgresPool>();
  expectTypeOf<Pool>().toExtend<NonNullable<RunnerOptions['pgPool']>>();
  expectTypeOf<Pool>().toExtend<NonNullable<WorkerUtilsOptions['pgPool']>>();
  expectTypeOf<Pool>().toExtend<NonNullable<PGStoreOptions['pool']>>();
  expectTypeOf<{ type: 'postgres'; driver: { Pool: typeof Pool } }>().toExtend<DataSourceOptions>();
  expectTypeOf<pg.PoolConfig>().toExtend<PoolOptions>();
  expectTypeOf<new (config?: pg.PoolConfig) => pg.Pool>(Pool);
  const pool = new Pool();
  expectTypeOf(drizzle(pool).$client).toEqualTypeOf<Pool>();
  expectTypeOf(drizzle({ client: pool }).$client).toEqualTypeOf<Pool>();
  await pool.end();
  expect(pool.ended).toBe(true);
});

test('queries and clients have the types that pg gives them', () => {
  const query = (pool: Pool) => pool.query<{ id: number }>('SELECT 1 AS id', [1]);
  expectTypeOf(query).returns.resolves.toEqualTypeOf<pg.QueryResult<{ id: number }>>();
  const lists = (pool: Pool) => pool.query<[number]>({ text: 'SELECT 1', rowMode: 'array' });
  expectTypeOf(lists).returns.resolves.toEqualTypeOf<pg.QueryArrayResult<[number]>>();
  const connect = (pool: Pool) => pool.connect();
  expectTypeOf(connect).returns.resolves.toEqualTypeOf<pg.PoolClient>();
  const listen = (pool: Pool) => pool.on('error', (error, client) => [error.message, client.getTypeParser]);
  expectTypeOf(listen).toBeFunction();
  const abortable = (pool: Pool, signal: AbortSignal) => pool.query({ text: 'SELECT 1', signal, query_timeout: 10 });
  expectTypeOf(abortable).returns.resolves.toExtend<pg.QueryResult>();
  expect(Pool).toBeTypeOf('function');
});
