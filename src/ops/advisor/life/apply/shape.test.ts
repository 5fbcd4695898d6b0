import { expect, test } from 'vitest';
import { shapeOf } from './shape.ts';

const orders = { schema: 'public', name: 'orders' };

test.each([
  ['CREATE INDEX CONCURRENTLY "orders_note_idx" ON "public"."orders" USING btree ("note")', true, 'orders_note_idx'],
  ['create unique index if not exists Orders_X on public.orders (x)', false, 'orders_x'],
  ['CREATE INDEX "Ü ""x""" ON ONLY public.orders USING gin (tags)', false, 'Ü "x"'],
])('an index is made: %s', (statement, concurrently, name) => {
  expect(shapeOf(statement)).toEqual({
    verb: 'create-index',
    concurrently,
    index: { schema: 'public', name },
    table: orders,
    gentle: concurrently,
  });
});

test.each([
  ['DROP INDEX CONCURRENTLY IF EXISTS "s"."i"', { verb: 'drop-index', concurrently: true, gentle: true }],
  ['DROP INDEX s.i', { verb: 'drop-index', concurrently: false, gentle: false }],
  ['REINDEX INDEX CONCURRENTLY s.i', { verb: 'reindex', concurrently: true, gentle: true }],
  ['REINDEX (VERBOSE) INDEX s.i', { verb: 'reindex', concurrently: false, gentle: false }],
  ['ALTER INDEX s.i ATTACH PARTITION s.j', { verb: 'attach-index', gentle: false }],
] as const)('%s', (statement, shape) => {
  expect(shapeOf(statement)).toMatchObject({ ...shape, index: { schema: 's', name: 'i' }, table: null });
});

test.each([
  ['ANALYZE public.orders', 'analyze', true],
  ['VACUUM (ANALYZE, FREEZE) public.orders', 'vacuum', true],
  ['VACUUM FULL public.orders', 'vacuum', false],
  ['VACUUM (FULL) public.orders', 'vacuum', false],
  ['REINDEX TABLE CONCURRENTLY "public"."orders"', 'reindex', true],
])('%s', (statement, verb, gentle) => {
  expect(shapeOf(statement)).toMatchObject({ verb, table: orders, gentle });
});

test.each([
  ['ALTER TABLE public.orders ALTER COLUMN note SET STATISTICS 500', true],
  ['ALTER TABLE public.orders SET (autovacuum_vacuum_scale_factor = 0.02)', true],
  ['CREATE STATISTICS public.s (dependencies) ON a, b FROM public.orders', true],
  ["ALTER SYSTEM SET work_mem = '16MB'", true],
  ['ALTER TABLE public.orders ALTER COLUMN id TYPE bigint', false],
  ['ALTER TABLE public.orders ADD PRIMARY KEY (id)', false],
  ['DROP INDEX a, b', false],
])('what is not known in detail counts as rough, unless its lock is: %s', (statement, gentle) => {
  expect(shapeOf(statement)).toMatchObject({ verb: 'other', gentle, index: null });
});
