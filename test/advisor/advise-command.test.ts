import { afterAll, beforeAll, expect, test } from 'vitest';
import { configDefinition } from '../../src/config/definition.ts';
import { createIndexAdviser } from '../../src/ops/advisor/index.ts';
import { createApp, startServer } from '../../src/server/index.ts';
import { type AdviceLife, adviceLife, findingFor } from '../support/advice-life.ts';
import { pitcrew } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { keepingLogger, plainMonitor } from '../support/plain-monitor.ts';

const stack = new AsyncDisposableStack();
let life: AdviceLife;
let url: string;
let id: number;

const fix = 'CREATE INDEX CONCURRENTLY "orders_customer" ON "public"."orders" ("customer")';

beforeAll(async () => {
  life = stack.use(await adviceLife());
  await life.database.query('CREATE TABLE orders (id int PRIMARY KEY, customer int)');
  const undo = ['DROP INDEX CONCURRENTLY "public"."orders_customer"'];
  id = (await life.add(findingFor('orders', { kind: 'create-index', fix: [fix], undo }))).id;
  const config = configDefinition.parse({ actions: { advice: true } });
  const logger = keepingLogger();
  const monitors = [plainMonitor('shop', { targetId: life.targetId })];
  const folder = stack.use(temporaryFolder());
  const advisor = life.advisor({ indexAdviser: createIndexAdviser({ backend: 'twin', dataDir: folder.path }) });
  const app = createApp({ monitors, advisors: [advisor], store: life.kept.store, config, version: '0', logger });
  const server = await startServer({ host: '127.0.0.1', port: 0, token: undefined, app, logger });
  stack.defer(() => server.close());
  url = server.url;
});
afterAll(() => stack.disposeAsync());

const advise = (...args: string[]) => pitcrew(['advise', ...args, '--url', url]);

test('advice is listed and shown', async () => {
  const list = await advise('list');
  expect(list.code).toBe(1);
  expect(list.stdout).toMatch(
    new RegExp(`${id} +found +warning +create-index +– +Something is to be done about orders`),
  );
  expect(list.stdout).toContain('Not checked yet');
  expect((await advise('list', '--state', 'kept')).code).toBe(0);
  const json = JSON.parse((await advise('list', '--json')).stdout) as { advice: { id: number }[] };
  expect(json.advice).toMatchObject([{ id }]);
  await life.add(findingFor('another', { kind: 'manual', fix: [], undo: [] }));
  const limited = await advise('list', '--limit', '1');
  expect(limited).toMatchObject({ code: 1, stdout: expect.stringContaining('1 of 2 are shown: --limit shows more') });
  expect((await advise('list', '--limit', '0')).stderr).toContain('Give a whole number from 1');
  expect((await advise('list', '--search', 'nowhere')).code).toBe(0);
  const show = await advise('show', String(id));
  expect(show.code).toBe(0);
  for (const text of [fix, 'To undo it', 'Risk: low', 'Because of a test.', 'found by test']) {
    expect(show.stdout).toContain(text);
  }
  expect((await advise('show', '999999')).code).toBe(2);
  expect((await advise('show', 'first')).stderr).toContain('Give the number');
});

test('what would be run is shown, nothing is without consent, and what would be unsafe ends with 4', async () => {
  const dry = await advise('apply', String(id), '--dry-run');
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining(fix) });
  const asked = await advise('apply', String(id));
  expect(asked).toMatchObject({ code: 2, stderr: expect.stringContaining('Give --yes') });
  expect(asked.stderr).toContain(fix);
  expect(await life.indexes()).toEqual([]);
  const space = findingFor('space', { kind: 'create-index', fix: [fix], undo: [], needsBytes: 2 ** 60 });
  const { id: large } = await life.add(space);
  const refused = await advise('apply', String(large), '--yes');
  expect(refused).toMatchObject({ code: 4, stderr: expect.stringMatching(/E_UNSAFE[^]*of disk are needed/) });
  expect((await advise('apply', String(large), '--dry-run')).code).toBe(4);
});

test('advice is applied, undone, dismissed and reopened', async () => {
  const applied = await advise('apply', String(id), '--yes', '--reason', 'too slow');
  expect(applied, applied.stderr).toMatchObject({ code: 0 });
  expect(applied.stdout).toMatch(new RegExp(`^${id}: (applied|measuring)`));
  expect(await life.indexes()).toEqual(['orders_customer']);
  const again = await advise('apply', String(id), '--yes');
  expect(again).toMatchObject({ code: 4, stderr: expect.stringContaining('E_CONFLICT') });
  const undone = await advise('undo', String(id), '--yes', '--json');
  expect(undone.code).toBe(0);
  expect(JSON.parse(undone.stdout)).toMatchObject({ state: 'undone' });
  expect(await life.indexes()).toEqual([]);
  expect(await advise('reopen', String(id))).toMatchObject({ code: 0, stdout: `${id}: found\n` });
  expect(await advise('dismiss', String(id), '--reason', 'later')).toMatchObject({ stdout: `${id}: dismissed\n` });
  const show = await advise('show', String(id));
  expect(show.stdout).toContain('dismissed by 127.0.0.1: later');
  expect(show.stdout).toMatch(/apply, done in .*: CREATE INDEX/);
});

test('a run is followed to its end, which is that of the command', async () => {
  const { code, stdout, stderr } = await advise('run');
  expect(code).toBe(1);
  expect(stdout).toMatch(/Something is to be done about space[^]*Checked at 2/);
  expect(stderr).toMatch(/asking all checks[^]*done in /);
  const begun = await advise('run', '--no-wait');
  expect(begun).toMatchObject({ code: 0, stdout: expect.stringMatching(/^It is .*"pitcrew advise list"/) });
});

test('a run that fails after it began fails the command, with the reason', async () => {
  await life.database.query('DROP EXTENSION pg_stat_statements');
  await expect
    .poll(async () => advise('run', '--kind', 'indexes'), { timeout: 60_000 })
    .toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/no workload is known \(E_UNSUPPORTED\)\n {2}Neither[^]*hint/),
    });
  expect((await advise('list')).stdout).toContain('Not found out last time: no workload is known');
});
