import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { configDefinition } from '../../src/config/definition.ts';
import { createPool, type CreatePoolOptions, type MeasuredPool } from '../../src/index.ts';
import {
  createIndexAdviser,
  type IndexAdvice,
  type IndexChoice,
  withObservedValues,
  workloadFromStatements,
  workloadFromTelemetry,
} from '../../src/ops/advisor/index.ts';
import { createApp, startServer } from '../../src/server/index.ts';
import { adviceLife, type AdviceLife } from '../support/advice-life.ts';
import { withTwin, workloadOf } from '../support/advised.ts';
import { watched } from '../support/catalog.ts';
import { pitcrew } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { keepingLogger, plainMonitor } from '../support/plain-monitor.ts';
import { twinOf } from '../support/whatif.ts';

const stack = new AsyncDisposableStack();
let life: AdviceLife;
let url: string;

beforeAll(async () => {
  life = stack.use(await adviceLife());
  // Of 40,000 orders nearly all are done; few of the others are asked for.
  await life.database.query(`
    CREATE TABLE orders (id int PRIMARY KEY, status text NOT NULL, kind text NOT NULL, at date NOT NULL, note text NOT NULL);
    INSERT INTO orders
    SELECT n, CASE WHEN n % 1000 = 0 THEN 'open' ELSE 'done' END, CASE WHEN n % 1000 = 1 THEN 'gift' ELSE 'plain' END,
           '2024-01-01'::date + n % 500, repeat('x', 60)
      FROM generate_series(1, 40000) n;
  `);
  await life.database.query('VACUUM ANALYZE orders');
  const logger = keepingLogger();
  const monitors = [plainMonitor('shop', { targetId: life.targetId })];
  const config = configDefinition.parse({});
  const app = createApp({ monitors, store: life.kept.store, config, version: '0', logger });
  const server = await startServer({ host: '127.0.0.1', port: 0, token: undefined, app, logger });
  stack.defer(() => server.close());
  url = server.url;
}, 60_000);
afterAll(() => stack.disposeAsync());

const open = (application: string, telemetry?: CreatePoolOptions['telemetry']): MeasuredPool =>
  createPool({ connectionString: life.database.url, telemetry, report: { url, application, database: 'shop' } });

const stored = () =>
  life.kept.database.query<{ text: string; samples: Record<string, string | null>[] }>(`
    SELECT   statement.text, samples
    FROM     pitcrew.application_parameters
    JOIN     pitcrew.application_statement AS statement ON statement.id = application_statement_id
    ORDER BY statement.text`);

const byStatus = 'SELECT id, note FROM orders WHERE status = $1';
const byKind = 'select id, note\nfrom orders where kind = $1 and at > $2 limit 500';

const byList = 'SELECT note FROM orders WHERE id IN ($1, $2, $3) AND kind = $4';

/** The application at work: it asks for what is done, and for the few that are gifts. */
async function work(pool: MeasuredPool): Promise<void> {
  for (let turn = 0; turn < 30; turn++) {
    await pool.query(byStatus, ['done']);
    await pool.query(byKind, ['gift', new Date(Date.UTC(2024, 0, 5, 12))]);
    await pool.query(byList, [7, 8, 9, 'plain']);
  }
}

async function chosen(): Promise<IndexChoice & { definitions: string[] }> {
  const choice = await createIndexAdviser({ backend: 'twin', dataDir: testFolder() })({
    url: life.database.url,
    targetId: life.targetId,
    history: life.kept.store.history,
    budgetBytes: undefined,
    drops: [],
    onProgress: () => {},
    signal: new AbortController().signal,
  });
  const definitions = choice.advice.indexes.map(({ index }) => index.keys.map(({ expression }) => expression).join());
  return { ...choice, definitions };
}

test('values are sent only where the application asks for it, and what is advised with them serves what it asks', async () => {
  const quiet = open('shop');
  await life.traffic(60, () => work(quiet), 3600);
  await quiet.end();
  const calls = () =>
    life.kept.database.query<{ calls: number }>('SELECT calls FROM pitcrew.application WHERE name = $1', ['shop']);
  expect(await calls()).toEqual([{ calls: 90 }]);
  expect(await stored()).toEqual([]);
  // By the statistics of the column some orders are asked for that are not done; of a LIMIT nothing is known.
  const without = await chosen();
  expect(without.workload.source).toBe('history');
  expect(without.definitions).toContain('status');

  const telling = open('shop', { parameters: true });
  await work(telling);
  await telling.end();
  const kept = await stored();
  expect(kept).toHaveLength(3);
  for (const { text, samples } of kept) {
    const expected = text.includes('status')
      ? { 1: 'done' }
      : text.includes('id IN')
        ? { 1: '7', 4: 'plain' }
        : { 1: 'gift', 2: sentDate(), 3: '500' };
    expect(samples.length).toBeGreaterThanOrEqual(2);
    expect(new Set(samples.map((each) => JSON.stringify(each)))).toEqual(new Set([JSON.stringify(expected)]));
  }
  const withValues = await chosen();
  expect(withValues.workload).toEqual(without.workload);
  expect(withValues.definitions.some((columns) => columns.startsWith('kind'))).toBe(true);
  expect(withValues.definitions).not.toContain('status');
  expect(withValues.advice.cost).not.toEqual(without.advice.cost);
  // The finding is kept and shown: it says what is asked, not with what.
  expect(JSON.stringify(withValues.advice)).not.toMatch(/gift|done/);

  // The application's own workload, and what pg_stat_statements has counted, get the same values.
  const range = { targetId: life.targetId, from: new Date(Date.now() - 3_600_000), to: new Date(Date.now() + 1000) };
  const told = await workloadFromTelemetry(life.kept.store.history, range);
  await using target = await watched(life.database.url);
  const counted = await withObservedValues(
    await workloadFromStatements(target.connection, target.profile),
    life.kept.store.history,
    { targetId: life.targetId },
  );
  for (const { statements } of [told, counted]) {
    const samples = (part: string) => statements.find(({ text }) => text.includes(part))?.samples;
    expect(samples('status')?.[0]).toEqual(['done']);
    expect(samples('limit')?.[0]).toEqual(['gift', sentDate(), '500']);
    expect(samples('id IN')?.[0]).toEqual(['7', 'plain']);
  }
}, 120_000);

/** The date as `pg` writes it, in the time zone of this machine. */
function sentDate(): string {
  const date = new Date(Date.UTC(2024, 0, 5, 12));
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString().replace('Z', '');
  const two = (value: number): string => String(Math.floor(Math.abs(value))).padStart(2, '0');
  return `${local}${offset < 0 ? '-' : '+'}${two(offset / 60)}:${two(offset % 60)}`;
}

test('index analyze plans with the values of a store that its configuration names', async () => {
  const cwd = testFolder();
  const analyze = async (store: string) => {
    const config = { databases: { shop: life.database.url }, store: { url: store } };
    writeFileSync(join(cwd, 'pitcrew.config.ts'), `export default ${JSON.stringify(config)};`);
    const { stdout, stderr } = await pitcrew(['index', 'analyze', '--json', '--data-dir', join(cwd, 'data')], { cwd });
    const [shop] = (JSON.parse(stdout) as { databases: Pick<IndexAdvice, 'indexes'>[] }).databases;
    expect(stdout).not.toMatch(/gift|done/);
    return { stderr, first: shop?.indexes.map(({ index }) => index.keys[0]?.expression) ?? [] };
  };
  const { first } = await analyze(life.kept.database.url);
  expect(first).toContain('kind');
  expect(first).not.toContain('status');
  // Without them it does what it can, and says so.
  const none = await analyze(life.database.url);
  expect(none.stderr).toContain('No values that applications told are known');
}, 120_000);

test('what is redacted is filled in from statistics, and the rest is planned as it was called', async () => {
  const pool = open('redacting', { parameters: { redact: ({ value }) => (value === 'plain' ? undefined : value) } });
  const text = 'SELECT note FROM orders WHERE kind = $1 AND at = $2';
  await pool.query(text, ['plain', '2024-02-01']);
  await pool.end();
  const workload = await workloadFromTelemetry(life.kept.store.history, {
    targetId: life.targetId,
    from: new Date(Date.now() - 3_600_000),
    to: new Date(Date.now() + 1000),
    application: 'redacting',
  });
  expect(workload.statements).toMatchObject([{ text, samples: [[undefined, '2024-02-01']] }]);
  await using advised = await withTwin(life.database.url);
  const advice = await advised.advise(workload);
  expect(advice.leftOut).toEqual([]);
  expect(advice.indexes.map(({ index }) => index.keys[0]?.expression)).toEqual(['at']);
}, 60_000);

test('values that the server refuses are as good as none, and no message repeats them', async () => {
  await using advised = await withTwin(life.database.url);
  const statement = {
    text: 'SELECT note FROM orders WHERE at = $1',
    samples: [['secret']],
    samplesAreData: true,
  };
  const advice = await advised.advise(workloadOf(statement));
  expect(advice.indexes.map(({ index }) => index.keys[0]?.expression)).toEqual(['at']);
  expect(JSON.stringify(advice)).not.toContain('secret');
  // Whoever gives them in a file is told.
  const own = await advised.advise(workloadOf({ ...statement, samplesAreData: false }));
  expect(own.leftOut).toMatchObject([{ reason: expect.stringContaining('secret') }]);
}, 60_000);

test('the log of a twin does not repeat values', async () => {
  await using made = await twinOf(life.database.url);
  const planned = made.twin.plan({ text: 'SELECT note FROM orders WHERE at = $1', parameters: ['secret'] });
  await expect(planned).rejects.toMatchObject({ code: 'E_QUERY', sqlState: '22007' });
  const log = readFileSync(`${made.dataDir}.log`, 'utf8');
  expect(log).toContain('ready to accept connections');
  expect(log).not.toContain('secret');
}, 60_000);
