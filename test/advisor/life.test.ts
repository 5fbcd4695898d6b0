import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Measurement } from '../../src/ops/advisor/index.ts';
import { type AdviceLife, adviceLife, findingFor, quickConfig } from '../support/advice-life.ts';
import { plainRole, session } from '../support/catalog.ts';

const child = fileURLToPath(new URL('../support/advisor-child.ts', import.meta.url));
const patient = { timeout: 30_000, interval: 50 };

let life: AdviceLife;
beforeAll(async () => {
  life = await adviceLife();
});
afterAll(() => life[Symbol.asyncDispose]());
beforeEach(async () => {
  const { database, kept } = life;
  await database.query('DROP TABLE IF EXISTS orders');
  await database.query('CREATE TABLE orders (id int PRIMARY KEY, customer int, note text)');
  await database.query(`INSERT INTO orders SELECT n, n % 5000, repeat('x', 100) FROM generate_series(1, 20000) n`);
  await database.query('ANALYZE orders');
  await kept.database.query('DELETE FROM pitcrew.advice');
  await kept.database.query('DELETE FROM pitcrew.change_log');
  await kept.database.query('DELETE FROM pitcrew.statement_raw');
});

const makeIndex = 'CREATE INDEX CONCURRENTLY "orders_customer" ON "public"."orders" USING btree ("customer")';
const dropIndex = 'DROP INDEX CONCURRENTLY "public"."orders_customer"';
const missing = findingFor('missing', { kind: 'create-index', fix: [makeIndex], undo: [dropIndex] });

const stateOf = (id: number) => async () => (await life.read(id)).state;

async function reads(count: number): Promise<void> {
  for (let at = 0; at < count; at++)
    await life.database.query('SELECT count(note) FROM orders WHERE customer = $1', [at]);
}

describe('what is measured', () => {
  test('an index that helps is kept', async () => {
    const { id } = await life.add(missing);
    await life.traffic(60, () => reads(60));
    const advisor = life.advisor();
    const states: string[] = [];
    advisor.onEvent((event) => {
      if (event.type === 'advice' && states.at(-1) !== event.state) states.push(event.state);
    });
    expect(await advisor.apply(id, { by: 'ann', reason: 'too slow' })).toMatchObject({ state: 'applying' });
    await expect.poll(stateOf(id), patient).toBe('measuring');
    expect(await life.indexes()).toEqual(['orders_customer']);
    await life.age(id, 55);
    await life.trafficUntil(id, 'kept', () => reads(60));
    await advisor.stop();
    expect(states).toEqual(['applying', 'applied', 'measuring', 'kept']);
    const { measurement } = await life.read(id);
    const { verdict, effect, statements } = measurement as Measurement;
    expect(verdict).toBe('better');
    expect(effect?.ratio).toBeLessThan(-0.5);
    expect(statements).toMatchObject([{ role: 'other', before: { calls: 60 } }]);
    expect(statements[0]?.after?.calls).toBeGreaterThanOrEqual(60);
    expect(await life.log()).toEqual([`apply done: ${makeIndex}`]);
    expect(await life.kept.store.advice.events(id)).toMatchObject([
      { to: 'found', by: 'test' },
      { to: 'applying', by: 'ann', reason: 'too slow' },
      { to: 'applied', by: 'ann' },
      { to: 'measuring', by: 'pitcrew' },
      { to: 'kept', by: 'pitcrew', reason: expect.stringMatching(/less time .* 99 % certainty/) },
    ]);
  });

  test('an index that hurts writes more than it helps is taken back', async () => {
    await life.database.query(`
      CREATE OR REPLACE FUNCTION dear(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
      BEGIN FOR n IN 1..40000 LOOP PERFORM md5($1); END LOOP; RETURN md5($1); END $$`);
    await life.database.query('TRUNCATE orders');
    const write = async (from: number) => {
      for (let at = 0; at < 60; at++)
        await life.database.query('INSERT INTO orders VALUES ($1, 1, $2)', [from + at, 'n']);
    };
    const finding = findingFor('hurts', {
      kind: 'create-index',
      fix: ['CREATE INDEX CONCURRENTLY "orders_dear" ON "public"."orders" (public.dear(note))'],
      undo: ['DROP INDEX CONCURRENTLY "public"."orders_dear"'],
    });
    const { id } = await life.add(finding);
    await life.traffic(60, () => write(1000));
    const advisor = life.advisor();
    await advisor.apply(id, { by: 'ann' });
    await expect.poll(stateOf(id), patient).toBe('measuring');
    await life.age(id, 55);
    let written = 1000;
    await life.trafficUntil(id, 'undone', () => write((written += 1000)));
    await advisor.stop();
    expect(await life.indexes()).toEqual([]);
    const { measurement, declinedFinding } = await life.read(id);
    expect(measurement).toMatchObject({ verdict: 'worse', statements: [{ role: 'write' }] });
    expect(declinedFinding).toMatchObject({ key: 'hurts' });
    expect(await life.log()).toEqual([
      expect.stringContaining('apply done: CREATE INDEX'),
      'undo done: DROP INDEX CONCURRENTLY "public"."orders_dear"',
    ]);
  });

  test('of too little traffic nothing is said', async () => {
    const { id } = await life.add(missing);
    await life.traffic(60, () => reads(60));
    const advisor = life.advisor();
    await advisor.apply(id, { by: 'ann' });
    await expect.poll(stateOf(id), patient).toBe('measuring');
    await life.age(id, 55);
    await life.traffic(15, () => reads(19));
    await expect
      .poll(async () => (await life.read(id)).measurement, patient)
      .toMatchObject({ statements: [{ after: { calls: 19 } }] });
    await advisor.stop();
    expect(await life.read(id)).toMatchObject({
      state: 'measuring',
      measurement: { verdict: 'unknown', reason: expect.stringContaining('0 of 1 statements were called 20 times') },
    });
    const later = life.advisor({ isOwner: () => false });
    expect(await later.undo(id, { by: 'ann', reason: 'not worth it' })).toMatchObject({ state: 'undoing' });
    await later.idle();
    expect(await life.read(id)).toMatchObject({ state: 'undone' });
    expect(await life.indexes()).toEqual([]);
  });
});

describe('killed', () => {
  /** Runs the child until it is killed, by itself or, when it waits for a transaction of ours, by us. */
  async function killed(id: number, purpose: string, moment: string, skip = 0): Promise<void> {
    const args = [child, life.database.url, life.kept.database.url, String(id), purpose, moment, String(skip)];
    const advisor = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(advisor, 'exit');
    if (moment === 'never') {
      await once(advisor.stdout, 'data');
      await expect
        .poll(() => life.database.query(`SELECT FROM pg_stat_progress_create_index WHERE phase ~ 'waiting'`), patient)
        .toHaveLength(1);
      advisor.kill('SIGKILL');
    }
    expect(await ended).toEqual([null, 'SIGKILL']);
  }

  test.each([
    ['before the statement', 'logged', 'failed', [`apply failed: ${makeIndex}`], []],
    ['before its end was written down', 'ran', 'measuring', [`apply done: ${makeIndex}`], ['orders_customer']],
    ['before the state was', 'ended', 'measuring', [`apply done: ${makeIndex}`], ['orders_customer']],
  ])('%s, the log tells what is true', async (_, moment, state, log, indexes) => {
    const { id } = await life.add(missing);
    await killed(id, 'apply', moment);
    expect(await life.read(id)).toMatchObject({ state: 'applying' });
    const advisor = life.advisor();
    await expect.poll(stateOf(id), patient).toBe(state);
    await advisor.stop();
    expect(await life.log()).toEqual(log);
    expect(await life.indexes()).toEqual(indexes);
    const open = await life.kept.store.advice.changes({ targetId: life.targetId, open: true, limit: 10 });
    expect(open).toEqual([]);
  });

  test('while the index is built, what is left of it is removed', async () => {
    const { id } = await life.add(missing);
    await using other = await session(life.database.url);
    // Its snapshot is what the build waits for at last.
    await other.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM orders LIMIT 1');
    await killed(id, 'apply', 'never');
    const advisor = life.advisor();
    // What the build left cannot be dropped before that has ended: it is tried again and again, less and less often.
    await expect
      .poll(async () => (await life.log()).some((line) => line.startsWith('clean-up failed')), patient)
      .toBe(true);
    await other.query('COMMIT');
    await expect.poll(stateOf(id), patient).toBe('failed');
    await advisor.stop();
    expect(await life.indexes()).toEqual([]);
    const [built, ...cleaned] = await life.log();
    expect(built).toBe(`apply failed: ${makeIndex}`);
    expect(cleaned.at(-1)).toBe('clean-up done: DROP INDEX CONCURRENTLY IF EXISTS "public"."orders_customer"');
    const [entry] = (await life.kept.store.advice.changes({ targetId: life.targetId, limit: 100 })).toReversed();
    expect(entry?.resolution).toMatch(/whoever ran it is gone; the index exists, but was not finished/);
  });

  test.each([
    ['before the statement', 'logged', 'kept', ['orders_customer']],
    ['before its end was written down', 'ran', 'undone', []],
  ])('in undoing, %s', async (_, moment, state, indexes) => {
    const { id } = await life.add(missing);
    await life.database.query(makeIndex);
    await life.kept.database.query(`UPDATE pitcrew.advice SET state = 'kept' WHERE id = $1`, [id]);
    await killed(id, 'undo', moment);
    const advisor = life.advisor();
    await expect.poll(stateOf(id), patient).toBe(state);
    await advisor.stop();
    expect(await life.indexes()).toEqual(indexes);
  });
});

test('of two daemons that are asked at once, one applies', async () => {
  const { id } = await life.add(missing);
  const advisors = [life.advisor(), life.advisor()];
  const asked = await Promise.allSettled(advisors.map((advisor) => advisor.apply(id, { by: 'ann' })));
  await Promise.all(advisors.map((advisor) => advisor.idle()));
  expect(asked.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(asked.find((each) => each.status === 'rejected')?.reason).toMatchObject({ code: 'E_CONFLICT' });
  expect(await life.log()).toEqual([`apply done: ${makeIndex}`]);
});

describe('refused, with the reason', () => {
  test('while a transaction lasts that a concurrent build would wait for', async () => {
    const { id } = await life.add(missing);
    await using other = await session(life.database.url);
    await other.query(
      `SET application_name = 'report'; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM orders LIMIT 1`,
    );
    const advisor = life.advisor({ patience: { longTransactionMs: 0 } });
    await expect(advisor.apply(id, { by: 'ann', force: true })).rejects.toMatchObject({
      code: 'E_UNSAFE',
      detail: expect.stringMatching(/^Session \d+ \(.*, report\) has been in a transaction for /),
    });
    expect(await life.read(id)).toMatchObject({ state: 'found' });
  });

  test('when there is no room, and only with consent when that cannot be told', async () => {
    const needs = (needsBytes: number) => ({ ...missing, remedy: missing.remedy && { ...missing.remedy, needsBytes } });
    const large = await life.add({ ...needs(2 ** 60), key: 'large' });
    const advisor = life.advisor();
    await expect(advisor.apply(large.id, { by: 'ann', force: true })).rejects.toMatchObject({
      code: 'E_UNSAFE',
      detail: expect.stringMatching(/are needed while it runs, and .* are free/),
    });
    expect(await advisor.inspect(large.id, 'apply')).toMatchObject({ needsBytes: 2 ** 61, doubts: [] });
  });

  test('for a role that does not own the table', async () => {
    const { id } = await life.add(missing);
    await using role = await plainRole(life.database);
    const advisor = life.advisor({ url: role.url });
    await expect(advisor.apply(id, { by: 'ann', force: true })).rejects.toMatchObject({
      code: 'E_UNSAFE',
      detail: expect.stringMatching(/^"orders" belongs to .*: GRANT it, or run the statements as /),
    });
  });

  test('for a role that may not analyze the table, which the server would only warn of', async () => {
    const { id } = await life.add(
      findingFor('stale', { kind: 'analyze', fix: ['ANALYZE "public"."orders"'], undo: [] }),
    );
    await using role = await plainRole(life.database);
    const advisor = life.advisor({ url: role.url });
    await expect(advisor.apply(id, { by: 'ann', force: true })).rejects.toMatchObject({
      code: 'E_UNSAFE',
      detail: expect.stringMatching(/may not maintain it: GRANT MAINTAIN ON public\.orders TO /),
    });
    await life.database.query(`GRANT MAINTAIN ON orders TO ${role.name}`);
    await advisor.apply(id, { by: 'ann', force: true });
    await advisor.idle();
    expect(await life.read(id)).toMatchObject({ state: 'applied' });
  });

  test('for an owner who may make nothing in the schema', async () => {
    const { id } = await life.add(missing);
    await using role = await plainRole(life.database);
    await life.database.query(`ALTER TABLE orders OWNER TO ${role.name}`);
    const advisor = life.advisor({ url: role.url });
    await expect(advisor.apply(id, { by: 'ann', force: true })).rejects.toMatchObject({
      code: 'E_UNSAFE',
      detail: expect.stringContaining('GRANT CREATE ON SCHEMA public TO'),
    });
    await life.database.query(`GRANT CREATE ON SCHEMA public TO ${role.name}`);
    await advisor.apply(id, { by: 'ann', force: true });
    await advisor.idle();
    expect(await life.log()).toEqual([`apply done: ${makeIndex}`]);
  });

  test('what a person has to do, and what is under way, over, or not there', async () => {
    const { id } = await life.add(
      findingFor('manual', { kind: 'schema', fix: ['SELECT 1'], undo: [], appliable: false }),
    );
    const advisor = life.advisor();
    await expect(advisor.apply(id, { by: 'ann' })).rejects.toMatchObject({ code: 'E_UNSUPPORTED' });
    await expect(advisor.undo(id, { by: 'ann' })).rejects.toMatchObject({ code: 'E_CONFLICT' });
    await expect(advisor.apply(id + 1000, { by: 'ann' })).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    expect(await advisor.dismiss(id, { by: 'ann', reason: 'we know' })).toMatchObject({ state: 'dismissed' });
    await expect(advisor.dismiss(id, { by: 'ann' })).rejects.toMatchObject({ code: 'E_CONFLICT' });
    expect(await advisor.reopen(id, { by: 'ann' })).toMatchObject({ state: 'found', declinedFinding: null });
  });
});

test('a lock that does not come is tried for again, and nothing is left when it never does', async () => {
  const { id } = await life.add(missing);
  await using other = await session(life.database.url);
  await other.query('BEGIN; INSERT INTO orders VALUES (-1, 1)');
  const advisor = life.advisor();
  await advisor.apply(id, { by: 'ann' });
  await advisor.idle();
  await other.query('ROLLBACK');
  // It waits for the writer with an index that is begun, which cannot be dropped before either.
  await expect.poll(async () => (await life.read(id)).state, patient).toBe('failed');
  const events = await life.kept.store.advice.events(id);
  expect(events.at(-1)?.reason).toMatch(/lock|gone/);
  expect(await life.indexes()).toEqual([]);
});

test('of a rebuild that fails only what is its own is removed', async () => {
  await life.database.query('CREATE INDEX orders_customer ON orders (customer)');
  // What somebody else left: it looks the same, and is theirs.
  await life.database.query('CREATE INDEX orders_customer_ccnew ON orders (note)');
  await life.database.query(
    `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'orders_customer_ccnew'::regclass`,
  );
  const fix = ['REINDEX INDEX CONCURRENTLY "public"."orders_customer"'];
  const { id } = await life.add(findingFor('bloated', { kind: 'reindex', fix, undo: [] }));
  await using other = await session(life.database.url);
  await other.query('BEGIN; INSERT INTO orders VALUES (-1, 1)');
  const advisor = life.advisor();
  await advisor.apply(id, { by: 'ann' });
  await expect.poll(async () => (await life.log()).length, patient).toBeGreaterThan(0);
  await other.query('ROLLBACK');
  await expect.poll(async () => ['failed', 'applied'].includes((await life.read(id)).state), patient).toBe(true);
  expect(await life.indexes()).toEqual(['orders_customer', 'orders_customer_ccnew!']);
});

test('advice is applied by itself only where the policy says so', async () => {
  const { id } = await life.add({ ...missing, remedy: missing.remedy && { ...missing.remedy, needsBytes: 1000 } });
  const other = await life.add(findingFor('vacuum', { kind: 'vacuum', fix: ['VACUUM "public"."orders"'], undo: [] }));
  const auto = { ...quickConfig.auto, enabled: true, kinds: ['create-index' as const] };
  const advisor = life.advisor({ config: { ...quickConfig, auto } });
  await expect.poll(stateOf(id), patient).toBe('measuring');
  await advisor.stop();
  expect(await life.log()).toEqual([`apply done: ${makeIndex}`]);
  expect((await life.kept.store.advice.events(id))[1]).toMatchObject({ to: 'applying', by: 'pitcrew (auto)' });
  expect(await life.read(other.id)).toMatchObject({ state: 'found' });
});

test('an index that others made is not touched, whatever its name', async () => {
  await life.database.query('CREATE INDEX orders_customer ON orders (note)');
  const { id } = await life.add(missing);
  const advisor = life.advisor();
  await advisor.apply(id, { by: 'ann' });
  await advisor.idle();
  expect(await life.read(id)).toMatchObject({ state: 'failed' });
  expect(await life.indexes()).toEqual(['orders_customer']);
  expect(await life.log()).toEqual([]);
});

test('of a partitioned table all indexes are made, or none', async () => {
  await life.database.query(`
    CREATE TABLE parts (id int, customer int) PARTITION BY RANGE (id);
    CREATE TABLE "Teil 1" PARTITION OF parts FOR VALUES FROM (0) TO (10);
    CREATE TABLE "Teil 2" PARTITION OF parts FOR VALUES FROM (10) TO (20)`);
  const statements = [
    'CREATE INDEX "parts_customer" ON ONLY "public"."parts" ("customer")',
    'CREATE INDEX CONCURRENTLY "Teil 1 x" ON "public"."Teil 1" ("customer")',
    'ALTER INDEX "public"."parts_customer" ATTACH PARTITION "public"."Teil 1 x"',
    'CREATE INDEX CONCURRENTLY "Teil 2 x" ON "public"."Teil 2" ("customer")',
    'ALTER INDEX "public"."parts_customer" ATTACH PARTITION "public"."Teil 2 x"',
  ];
  const undo = ['DROP INDEX "public"."parts_customer"'];
  const broken = statements.with(4, 'ALTER INDEX "public"."parts_customer" ATTACH PARTITION "public"."Teil 3 x"');
  const bad = await life.add(findingFor('broken', { kind: 'create-index', fix: broken, undo }));
  const good = await life.add(findingFor('whole', { kind: 'create-index', fix: statements, undo }));
  const advisor = life.advisor({ isOwner: () => false });
  await advisor.apply(bad.id, { by: 'ann' });
  await advisor.idle();
  expect(await life.read(bad.id)).toMatchObject({ state: 'failed' });
  expect(await life.indexes()).toEqual([]);
  await advisor.apply(good.id, { by: 'ann' });
  await advisor.idle();
  expect(await life.read(good.id)).toMatchObject({ state: 'applied' });
  expect(await life.indexes()).toEqual(['Teil 1 x', 'Teil 2 x', 'parts_customer']);
  await advisor.undo(good.id, { by: 'ann' });
  await advisor.idle();
  expect(await life.indexes()).toEqual([]);
  await life.database.query('DROP TABLE parts');
});

test('what is under way when the daemon stops is cancelled, and cleaned up', async () => {
  const { id } = await life.add(missing);
  await using other = await session(life.database.url);
  await other.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM pg_class LIMIT 1');
  const advisor = life.advisor({ patience: { gentleLockMs: 60_000 } });
  await advisor.apply(id, { by: 'ann' });
  await expect
    .poll(async () => (await life.read(id)).progress, patient)
    .toMatchObject({ phase: 'waiting for old snapshots', waitsFor: expect.stringMatching(/^session \d+/) });
  await advisor.stop();
  expect(await life.read(id)).toMatchObject({ state: 'failed', progress: null });
  expect(await life.indexes()).toEqual([]);
  expect((await life.log())[0]).toBe(`apply cancelled: ${makeIndex}`);
});
