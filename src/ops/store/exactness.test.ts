import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { expect, test } from 'vitest';
import { type TestDatabase, testDatabase, plainPool } from '../../../test/support/postgres.ts';
import { retention, seededRandom, statementBatch, statementDelta, tableBatch } from '../../../test/support/store.ts';
import { families } from './families.ts';
import { tableName } from './family-sql.ts';
import { createHistory } from './history/index.ts';
import { levelNames, levelSeconds, levelsOf } from './levels.ts';
import { Partitions } from './partitions.ts';
import { migrate } from './schema/migrate.ts';
import type { Batch, History } from './types.ts';
import { dropExpired } from './upkeep/retention.ts';
import { rollUp } from './upkeep/roll-up.ts';
import { Dimensions } from './write/dimensions.ts';
import { writeBatches } from './write/write-batches.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const start = Date.UTC(2026, 2, 1, 5, 7, 30);

/** The parts of a store without its timers, so that tests say when what happens. */
interface Bench extends AsyncDisposable {
  client: pg.Client;
  history: History;
  targetId: number;
  write(batches: Batch[]): Promise<void>;
  rollUp(now: number): Promise<void>;
  drop(now: number): Promise<number>;
}

async function bench(database: TestDatabase): Promise<Bench> {
  const client = new pg.Client(database.url);
  await client.connect();
  await migrate(client);
  const pool = plainPool({ connectionString: database.url, max: 2 });
  const writerId = randomUUID();
  await client.query('INSERT INTO pitcrew.writer (id) VALUES ($1)', [writerId]);
  await client.query("INSERT INTO pitcrew.target (name) VALUES ('main')");
  const [dimensions, partitions] = [new Dimensions(), new Partitions()];
  let sequence = 0;
  return {
    client,
    history: createHistory(pool),
    targetId: 1,
    write: (batches) => writeBatches(client, dimensions, partitions, batches, { writerId, sequence: ++sequence }),
    rollUp: (now) => rollUp(client, partitions, now),
    drop: (now) => dropExpired(client, levelsOf(retention), now),
    async [Symbol.asyncDispose]() {
      await pool.end();
      await client.end();
    },
  };
}

async function sumOfLevel(client: pg.Client, level: (typeof levelNames)[number], before: number): Promise<unknown> {
  const { rows } = await client.query(
    `SELECT coalesce(sum(calls), 0) AS calls, coalesce(sum(total_exec_us), 0) AS us
     FROM   ${tableName(families.statement, level)}
     WHERE  at < $1`,
    [new Date(before)],
  );
  return rows[0];
}

test.each([1, 2, 3])(
  'sums are equal on every level, whatever comes late or is rolled up when (seed %i)',
  async (seed) => {
    await using database = await testDatabase();
    await using parts = await bench(database);
    const random = seededRandom(seed);
    const written: { at: number; calls: number; us: number }[] = [];
    let now = start;
    for (let round = 0; round < 60; round++) {
      const batches = Array.from({ length: 1 + random(4) }, () => {
        // Mostly recent, sometimes hours late, now and then from a clock that is ahead.
        const late = [0, 0, 10_000, random(3 * hour), random(2 * day), -random(10 * minute)][random(6)] ?? 0;
        const [calls, us] = [random(1000), random(2 ** 40)];
        written.push({ at: now - late, calls, us });
        return statementBatch(1, now - late, [statementDelta(String(random(3)), { calls, totalExecUs: us })]);
      });
      await parts.write(batches);
      if (random(3) === 0) await parts.rollUp(now);
      now += random(10) === 0 ? random(9 * hour) : random(5 * minute);
    }
    const sumBetween = (from: number, to: number): object =>
      written
        .filter(({ at }) => at >= from && at < to)
        .reduce((sum, { calls, us }) => ({ calls: sum.calls + calls, us: sum.us + us }), { calls: 0, us: 0 });

    // Questions of any step while some is rolled up and some is not.
    for (const step of [10, 60, 900, 3600]) {
      const range = { from: new Date(start - 3 * day), to: new Date(now + hour) };
      const answer = await parts.history.statements({ targetId: 1, ...range, orderBy: 'calls', limit: 10 });
      expect({ calls: answer.totals.calls, us: answer.totals.totalExecUs }).toEqual(sumBetween(-Infinity, Infinity));
      const from = new Date(now - random(2 * day));
      const ids = answer.statements.map(({ id }) => id);
      const courses = [
        ...(await parts.history.statementSeries({ targetId: 1, from, to: range.to, ids, step })).values(),
      ];
      const points = courses.flatMap((course) => course.points.map(({ counters }) => counters));
      const sum = points.reduce(
        (all, { calls, totalExecUs }) => ({ calls: all.calls + calls, us: all.us + totalExecUs }),
        {
          calls: 0,
          us: 0,
        },
      );
      expect(sum).toEqual(sumBetween(courses[0]?.from.getTime() ?? 0, courses[0]?.to.getTime() ?? 0));
      await parts.rollUp(now - (3600 - step) * 500);
    }
    await parts.rollUp(now + 2 * hour);
    await parts.rollUp(now + 2 * hour);
    for (const level of levelNames) {
      expect([level, await sumOfLevel(parts.client, level, now + hour)]).toEqual([
        level,
        sumBetween(-Infinity, Infinity),
      ]);
    }
  },
);

test('gauges keep mean and extremes on every level, and the latest of a table wins in whatever order it came', async () => {
  await using database = await testDatabase();
  await using parts = await bench(database);
  const at = Date.UTC(2026, 2, 1, 6);
  const gauge = (time: number, value: number): Batch => ({
    targetId: 1,
    collector: 'instance',
    at: new Date(time),
    seconds: 10,
    metrics: [{ name: 'sessions.total', kind: 'gauge', value }],
  });
  await parts.write([gauge(at, 4), gauge(at + 10_000, 0), tableBatch(1, at + 30_000, 'orders', 1, 300)]);
  await parts.rollUp(at + 2 * hour);
  // Late, and earlier than what is known.
  await parts.write([gauge(at + 20_000, 8), tableBatch(1, at + 20_000, 'orders', 1, 200)]);
  for (const step of [60, 900, 3600]) {
    const range = { targetId: 1, from: new Date(at), to: new Date(at + hour), step };
    const { series } = await parts.history.series({ ...range, names: ['sessions.total'] });
    expect([step, series[0]?.points[0]]).toEqual([step, { at, value: 4, min: 0, max: 8, sum: null }]);
    const { points } = await parts.history.tableSeries({ ...range, id: 1 });
    expect(points[0]).toMatchObject({ counters: { inserts: 2 }, gauges: { liveRows: 300 } });
  }
  // Late again, and later than what is known.
  await parts.write([tableBatch(1, at + 40_000, 'orders', 1, 400)]);
  const { points } = await parts.history.tableSeries({
    targetId: 1,
    from: new Date(at),
    to: new Date(at + hour),
    step: 3600,
    id: 1,
  });
  expect(points[0]).toMatchObject({ counters: { inserts: 3 }, gauges: { liveRows: 400 } });
});

test('drops whole partitions by retention, only what is rolled up, and reads what is kept', async () => {
  await using database = await testDatabase();
  await using parts = await bench(database);
  const at = Date.UTC(2026, 2, 1);
  const hours = Array.from({ length: 48 }, (_, index) => at + index * hour + minute);
  await parts.write(hours.map((time) => statementBatch(1, time, [statementDelta('1', { calls: 1 })])));
  // Nothing is rolled up yet, so nothing may go.
  expect(await parts.drop(at + 48 * hour)).toBe(0);
  await parts.rollUp(at + 48 * hour);
  expect(await parts.drop(at + 48 * hour)).toBeGreaterThan(0);
  expect(await sumOfLevel(parts.client, 'raw', at + 48 * hour)).toEqual({ calls: 24, us: 0 });
  expect(await sumOfLevel(parts.client, 'minute', at + 48 * hour)).toEqual({ calls: 48, us: 0 });

  // Asked for a step that is no longer kept, the answer has the finest that is.
  const whole = { targetId: 1, from: new Date(at), to: new Date(at + 48 * hour), ids: [1] };
  const old = (await parts.history.statementSeries({ ...whole, to: new Date(at + hour), step: 10 })).get(1);
  expect([old?.step, old?.points.reduce((sum, { counters }) => sum + counters.calls, 0)]).toEqual([60, 1]);
  const recent = (await parts.history.statementSeries({ ...whole, from: new Date(at + 47 * hour), step: 10 })).get(1);
  expect([recent?.step, recent?.points.length]).toEqual([10, 360]);

  // A sample from a time whose partition is gone still counts.
  await parts.write([statementBatch(1, at + 2 * minute, [statementDelta('1', { calls: 5 })])]);
  const { totals } = await parts.history.statements({ ...whole, orderBy: 'calls', limit: 1 });
  expect(totals.calls).toBe(53);
  await parts.drop(at + 100 * day);
  const { totals: later } = await parts.history.statements({ ...whole, orderBy: 'calls', limit: 1 });
  expect(later.calls).toBe(53);
});

test('what is written while a roll-up begins is in it, though its time had no partition before', async () => {
  await using database = await testDatabase();
  await using parts = await bench(database);
  const early = start - 6 * hour;
  const late: Batch[] = [statementBatch(1, early, [statementDelta('1', { calls: 7 })])];
  /** Something is written after the roll-up has looked what there is, and before it begins. */
  class Meddled extends Partitions {
    override async ensure(...input: Parameters<Partitions['ensure']>): Promise<void> {
      await super.ensure(...input);
      if (input[1][0]?.family !== 'statement') return;
      const batches = late.splice(0);
      if (batches.length > 0) await parts.write(batches);
    }
  }
  await parts.write([statementBatch(1, start, [statementDelta('1', { calls: 1 })])]);
  await rollUp(parts.client, new Meddled(), start + hour);
  expect(late).toEqual([]);
  expect(await sumOfLevel(parts.client, 'minute', start + hour)).toMatchObject({ calls: 8 });
});

test('a transaction that was committed without our knowing is not repeated', async () => {
  await using database = await testDatabase();
  await using parts = await bench(database);
  const { rows } = await parts.client.query<{ id: string }>('SELECT id FROM pitcrew.writer');
  const stamp = { writerId: rows[0]?.id ?? '', sequence: 7 };
  const batch = statementBatch(1, start, [statementDelta('1', { calls: 1 })]);
  await writeBatches(parts.client, new Dimensions(), new Partitions(), [batch], stamp);
  await writeBatches(parts.client, new Dimensions(), new Partitions(), [batch], stamp);
  expect(await sumOfLevel(parts.client, 'raw', start + hour)).toEqual({ calls: 1, us: 0 });
});

test('widths divide each other, so that whole buckets add up', () => {
  for (const [index, level] of levelNames.slice(1).entries()) {
    expect(levelSeconds[level] % levelSeconds[levelNames[index] ?? 'raw']).toBe(0);
  }
});

test('a partition that someone reads is dropped the next time, and writing goes on meanwhile', async () => {
  await using database = await testDatabase();
  await using parts = await bench(database);
  const at = Date.UTC(2026, 2, 1);
  await parts.write([statementBatch(1, at, [statementDelta('1', { calls: 1 })])]);
  await parts.rollUp(at + 40 * hour);
  await database.query('BEGIN');
  await database.query('SELECT FROM pitcrew.statement_raw');
  // The series of covered time can go, the statements cannot.
  expect(await parts.drop(at + 30 * hour)).toBe(1);
  await parts.write([statementBatch(1, at + 30 * hour, [statementDelta('1', { calls: 1 })])]);
  expect(await sumOfLevel(parts.client, 'raw', at + 40 * hour)).toEqual({ calls: 2, us: 0 });
  await database.query('COMMIT');
  expect(await parts.drop(at + 30 * hour)).toBe(1);
  expect(await sumOfLevel(parts.client, 'raw', at + 40 * hour)).toEqual({ calls: 1, us: 0 });
});
