import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../../../test/support/postgres.ts';
import { createPool, type MeasuredPool } from '../../create-pool.ts';
import { createTelemetry, type ParameterOptions, type SlowStatement, type TelemetryOptions } from '../index.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await testDatabase();
  await database.query('CREATE TABLE orders (id int PRIMARY KEY, status text, note text)');
  await database.query("INSERT INTO orders SELECT i, 'done' FROM generate_series(1, 100) i");
});
afterAll(() => database[Symbol.asyncDispose]());

const open = (parameters: ParameterOptions | boolean | undefined, more: TelemetryOptions = {}): MeasuredPool =>
  createPool({ connectionString: database.url, telemetry: { ...more, parameters } });

/** What a report would tell of the statement whose text has this in it. */
function told(pool: MeasuredPool, part: string) {
  return pool.telemetry?.take().statements.find(({ text }) => text.includes(part))?.parameters;
}

const byStatus = 'SELECT id FROM orders WHERE status = $1';

describe('by default', () => {
  test.each([[undefined], [false]])('nothing is kept (%s)', async (parameters) => {
    await using pool = open(parameters);
    await pool.query(byStatus, ['secret']);
    const taken = pool.telemetry?.take();
    expect(taken?.samplesParameters).toBe(false);
    expect(taken?.statements).toMatchObject([{ calls: 1, parameters: [] }]);
    expect(JSON.stringify(taken)).not.toContain('secret');
  });
});

describe('where it is asked for', () => {
  test('values are what the server is sent', async () => {
    await using pool = open({ samples: 1 });
    const values = [
      new Date(0),
      [1, null, 'a"b'],
      { a: [1, "it's"] },
      7,
      12n,
      -0.5,
      true,
      null,
      undefined,
      'Größe',
      '',
    ];
    const list = values.map((_, i) => `$${i + 1}::text AS "${i}"`).join(', ');
    const { rows } = await pool.query<Record<string, string | null>>(`SELECT ${list} FROM orders LIMIT 1`, values);
    const [sample] = told(pool, 'AS "0"') ?? [];
    const sent = Object.fromEntries(Object.entries(rows[0] ?? {}).map(([place, text]) => [Number(place) + 1, text]));
    expect(Object.keys(sent)).toHaveLength(values.length);
    // Behind them, the constant of the text.
    expect(sample).toEqual({ ...sent, 12: '1' });
  });

  test('what is binary or too long is left out, and not cut', async () => {
    await using pool = open({ maxBytes: 8 });
    const values = [Buffer.from('x'), new Uint8Array([65]), [Buffer.from('x')], '12345678', '123456789', 'ööööö', [1]];
    await pool.query(
      `SELECT id FROM orders WHERE ${values.map((_, i) => `$${i + 1}::text <> note`).join(' AND ')}`,
      values,
    );
    expect(told(pool, '<> note')).toEqual([{ 4: '12345678', 7: '{"1"}' }]);
  });

  test('all values of a call together have a bound', async () => {
    await using pool = open({ maxBytes: 10 });
    const values = Array.from({ length: 20 }, () => '0123456789');
    await pool.query(`SELECT id FROM orders WHERE note IN (${values.map((_, i) => `$${i + 1}`).join()})`, values);
    await pool.query(`DELETE FROM orders WHERE ${values.map((_, i) => `$${i + 1} = note`).join(' AND ')}`, values);
    const taken = pool.telemetry?.take().statements ?? [];
    // Of a list the first stands for all, as in the text.
    expect(taken.find(({ text }) => text.includes('IN'))?.parameters).toEqual([{ 1: '0123456789' }]);
    const [sample] = taken.find(({ kind }) => kind === 'delete')?.parameters ?? [];
    expect(Object.keys(sample ?? {})).toHaveLength(8);
  });

  test('of many calls a few are kept: at random, and the slowest', async () => {
    await using pool = open(true);
    const text = 'SELECT CASE WHEN id = 50 THEN pg_sleep(0.2) END FROM orders WHERE id = $1';
    for (let id = 1; id <= 100; id++) await pool.query(text, [id]);
    const samples = told(pool, 'pg_sleep') ?? [];
    expect(samples.length).toBeGreaterThanOrEqual(2);
    expect(samples.length).toBeLessThanOrEqual(3);
    expect(new Set(samples.map((values) => values['1'])).size).toBe(samples.length);
    expect(samples).toContainEqual({ 1: '50', 2: '50', 3: '0.2' });
    // They say what is usual: told again after a while only.
    await pool.query(text, [1]);
    expect(told(pool, 'pg_sleep')).toEqual([]);
  });

  test.each<[string, string, unknown[]]>([
    ['rows that are inserted', 'INSERT INTO orders (id, status) VALUES ($1, $2)', [1000, 'secret']],
    ['statements without tables', 'SELECT $1::text', ['secret']],
    ['what has no plan', "SET application_name = 'secret'", []],
    ['several statements', "SELECT 'secret' FROM orders; SELECT 1", []],
    ['calls that failed', 'SELECT id FROM orders WHERE status = $1 AND 1 / (id - id) = 1', ['secret']],
    [
      'lists of data',
      `UPDATE orders SET status = $1 WHERE ${Array.from({ length: 60 }, (_, i) => `note <> $${i + 1}`).join(' OR ')}`,
      Array.from({ length: 60 }, () => 'secret'),
    ],
  ])('of %s nothing is kept', async (_what, text, values) => {
    await using pool = open(true);
    await pool.query(text, values).catch(() => undefined);
    const taken = pool.telemetry?.take();
    expect(taken?.statements).toHaveLength(1);
    expect(taken?.samplesParameters).toBe(true);
    expect(JSON.stringify(taken)).not.toContain('secret');
  });

  test('statements that are crowded out take their values with them', async () => {
    await using pool = open(true, { maxStatements: 2 });
    for (let i = 1; i <= 4; i++) await pool.query(`SELECT ${'id, '.repeat(i)} 1 FROM orders WHERE status = $1`, ['a']);
    const taken = pool.telemetry?.take().statements ?? [];
    expect(taken.find(({ text }) => text === 'other statements')?.parameters).toEqual([]);
    expect(taken.filter(({ parameters }) => parameters.length > 0).length).toBeLessThanOrEqual(2);
  });

  test('a report has room for so much, the rest goes with the next ones', async () => {
    await using pool = open({ maxBytes: 4096, samples: 1 });
    const value = 'x'.repeat(4000);
    for (let i = 1; i <= 10; i++) {
      await pool.query(
        `SELECT ${'id, '.repeat(i)} 1 FROM orders WHERE ${Array.from({ length: 8 }, (_, at) => `note = $${at + 1}`).join(' OR ')}`,
        Array.from({ length: 8 }, () => value),
      );
    }
    const first = pool.telemetry?.take().statements.filter(({ parameters }) => parameters.length > 0) ?? [];
    expect(first).toHaveLength(7);
    expect(JSON.stringify(first.map(({ parameters }) => parameters)).length).toBeLessThan(260_000);
  });

  test('they are in no snapshot and no slow log', async () => {
    const slow: SlowStatement[] = [];
    await using pool = open(true, {
      slow: 0,
      onSlow: (entry) => slow.push(entry),
      logger: { warn: (entry) => void slow.push(entry as SlowStatement) },
    });
    await pool.query(byStatus, ['secret']);
    expect(slow).toHaveLength(2);
    expect(JSON.stringify([slow, pool.telemetry?.snapshot()])).not.toContain('secret');
    expect(told(pool, 'status')).toEqual([{ 1: 'secret' }]);
  });
});

describe('redacting', () => {
  test('decides value by value what is kept', async () => {
    const asked: unknown[] = [];
    await using pool = open({
      redact(parameter) {
        asked.push(parameter);
        if (parameter.position === 1) return 'someone@example.com';
        return parameter.position === 2 ? parameter.value : undefined;
      },
    });
    const text = 'SELECT id FROM orders WHERE status = $1 AND id > $2 AND note = $3 AND id <> 7';
    await pool.query(text, ['ann@example.com', 5, null]);
    expect(told(pool, 'status')).toEqual([{ 1: 'someone@example.com', 2: '5', 3: null }]);
    const normalized = text.replace('7', '$4');
    expect(asked).toEqual([
      { text: normalized, position: 1, value: 'ann@example.com' },
      { text: normalized, position: 2, value: '5' },
      { text: normalized, position: 4, value: '7' },
    ]);
  });

  test.each<[string, (value: string) => unknown]>([
    ['throws', () => JSON.parse('no')],
    ['answers later', async (value) => value],
    ['answers something else', () => 7],
    ['answers too much', () => 'x'.repeat(1000)],
    ['says nothing', () => null],
  ])('what %s leaves the value out, and the query alone', async (_what, redact) => {
    await using pool = open({ redact: ({ value }) => redact(value) as string });
    const { rowCount } = await pool.query(byStatus, ['done']);
    expect(rowCount).toBe(100);
    expect(told(pool, 'status')).toEqual([]);
  });

  test('a value that throws when it is written is left out', async () => {
    await using pool = open(true);
    let writes = 0;
    const value = {
      toPostgres() {
        writes += 1;
        if (writes > 1) throw new Error('once only');
        return 'done';
      },
    };
    expect((await pool.query(byStatus, [value])).rowCount).toBe(100);
    expect(writes).toBe(2);
    expect(told(pool, 'status')).toEqual([]);
  });
});

test.each<[ParameterOptions, string]>([
  [{ samples: 0 }, 'parameters.samples must be a number of at least 1'],
  [{ samples: 6 }, 'parameters.samples must be at most 5'],
  [{ maxBytes: 5000 }, 'parameters.maxBytes must be at most 4096'],
  [{ redact: 'all' as never }, 'parameters.redact must be a function'],
])('options that make no sense are refused: %j', (parameters, message) => {
  expect(() => createTelemetry({ parameters })).toThrow(
    expect.objectContaining({ code: 'E_CONFIG', message: expect.stringContaining(message) }),
  );
});
