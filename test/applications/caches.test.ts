import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configDefinition } from '../../src/config/definition.ts';
import { openStore, type Store } from '../../src/ops/store/index.ts';
import { cacheCommand, cacheStats } from '../../src/server/api/caches.ts';
import { createApp, startServer } from '../../src/server/index.ts';
import { pitcrew } from '../support/command.ts';
import { keepingLogger, plainMonitor } from '../support/plain-monitor.ts';
import { type TestDatabase, testDatabase } from '../support/postgres.ts';
import { applicationReport, reportedCache } from '../support/reports.ts';

const token = 'a-token-of-some-length';
const config = configDefinition.parse({ actions: { cache: true }, server: { token } });
const stack = new AsyncDisposableStack();
let database: TestDatabase;
let store: Store;

/** A daemon on the store that all share; with a token where it is asked for. */
async function daemon({ guarded = false, allowed = true } = {}) {
  const settings = { ...config, actions: { ...config.actions, cache: allowed } };
  const shown = { ...settings, server: { ...settings.server, token: guarded ? token : undefined } };
  const monitors = [plainMonitor('shop', { targetId: await store.target('shop') })];
  const logger = keepingLogger();
  const app = createApp({ monitors, store, config: shown, version: '0', logger });
  const server = await startServer({ host: '127.0.0.1', port: 0, token: shown.server.token, app, logger });
  stack.defer(() => server.close());
  return server.url;
}

let url: string;
let processes: ChildProcess[];

async function startProcess(at: string, ...has: string[]): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('../support/cache-reporting-child.ts', import.meta.url)), [at, ...has]);
  stack.defer(() => void child.kill('SIGKILL'));
  expect(await once(child, 'message')).toEqual(['ready', undefined]);
  return child;
}

beforeAll(async () => {
  database = stack.use(await testDatabase());
  store = await openStore({ url: database.url, retention: config.store.retention });
  stack.defer(() => store.close());
  url = await daemon();
  // Each reports to a daemon of its own, as several on one store may be.
  processes = [await startProcess(url, 'warmer'), await startProcess(await daemon())];
});
afterAll(() => stack.disposeAsync());

/** What the caches of all processes have for a key. */
async function held(key: string): Promise<unknown[]> {
  return Promise.all(
    processes.map(async (child) => {
      const answer = once(child, 'message') as Promise<[{ value: unknown }]>;
      child.send(key);
      return (await answer)[0].value;
    }),
  );
}

const cache = (...args: string[]) => pitcrew(['cache', ...args, '--url', url]);

describe('pitcrew cache', () => {
  test('invalidates in every process, waits for them and says so', async () => {
    expect(await held('orders:1')).toEqual(['one', 'one']);
    const { code, stdout, stderr } = await cache('invalidate', '--tag', 'orders', '--key', 'products:1');
    expect(stdout).toMatch(/^✓ Invalidated all applications\/all caches in 2 processes in [\d.]+ m?s\.\n$/);
    expect(stderr).toMatch(/(^|\n)2 of 2 processes\n$/);
    expect(code).toBe(0);
    expect(await held('orders:1')).toEqual([null, null]);
    expect(await held('products:1')).toEqual([null, null]);
  });

  test('warms where there is such a warmer', async () => {
    const { code, stdout } = await cache('warm', 'bestsellers', '--application', 'shop');
    expect(stdout).toMatch(
      /^✓ Warmed shop\/all caches in 1 process in .*\n.*\n {2}done {3}shop\/catalogue .* 2 loaded\n$/,
    );
    expect(code).toBe(0);
    expect(await held('products:2')).toEqual(['warm products:2', null]);
    const unknown = await cache('warm', 'worstsellers');
    expect(unknown.stderr).toMatch(/no live process has a warmer called "worstsellers"[\s\S]*Warmers: bestsellers\./);
    expect(unknown.code).toBe(2);
  });

  test('clears, once it was agreed to', async () => {
    const asked = await cache('clear', '--cache', 'catalogue');
    expect(asked).toMatchObject({ code: 2, stdout: '' });
    expect(asked.stderr).toContain('--yes');
    expect(await held('products:2')).toEqual(['warm products:2', null]);
    const { code, stdout, stderr } = await cache('clear', '--cache', 'catalogue', '--yes', '--json', '--quiet');
    expect(cacheCommand.parse(JSON.parse(stdout))).toMatchObject({
      finished: true,
      done: 2,
      failed: 0,
      action: 'clear',
    });
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(await held('products:2')).toEqual([null, null]);
  });

  test('shows how well caches do, for people and as JSON', async () => {
    const { stdout, code } = await cache('stats');
    expect(stdout).toMatch(/^Caches of shop {2}over the last 1 h/);
    expect(stdout).toMatch(/^shop\/catalogue {2}\S+( %)? hits {2}\S+ requests\/s {2}2 processes$/m);
    expect(stdout).toMatch(/^ {2}memory +/m);
    expect(stdout).toMatch(/^ {2}invalidated +.*tag 2/m);
    expect(stdout).toMatch(/^ {2}warmers +bestsellers$/m);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(code).toBe(0);
    const json = await cache('stats', '--json', '--cache', 'catalogue');
    expect(cacheStats.parse(JSON.parse(json.stdout)).caches).toMatchObject([{ name: 'catalogue', processes: 2 }]);
    const unknown = await cache('stats', '--cache', 'catalog');
    expect(unknown.stderr).toMatch(/no such cache[\s\S]*Reported: shop\/catalogue\./);
    expect(unknown.code).toBe(2);
  });

  test('says who did not do it, and ends with 1', async () => {
    const send = async (change: object) => {
      const report = applicationReport({ application: 'mute', caches: [reportedCache('sessions')], ...change });
      const headers = { 'content-type': 'application/json' };
      const path = `${url}/api/v1/database/ingest`;
      const answer = await fetch(path, { method: 'POST', body: JSON.stringify(report), headers });
      expect(answer.status).toBe(202);
      const said = (await answer.json()) as { stored: boolean; commands: { id: string; cache: string }[] };
      expect(said.stored).toBe(true);
      return said;
    };
    // It began just now: what was asked before does not concern it.
    await send({ from: new Date().toISOString() });
    const silent = await cache('clear', '--application', 'mute', '--yes', '--timeout', '1');
    expect(silent.stdout).toMatch(
      /^✗ Cleared mute\/all caches in 0 of 1 process\.\n[\s\S]*no answer +mute\/sessions +one/,
    );
    expect(silent.code).toBe(1);
    const [command] = (await send({ sequence: 2 })).commands;
    const failing = cache('clear', '--application', 'mute', '--yes', '--timeout', '60');
    await expect.poll(async () => (await send({ sequence: 3 })).commands.length, { timeout: 20_000 }).toBe(2);
    const { commands } = await send({ sequence: 4 });
    const commandResults = commands.map(({ id, cache: name }) => ({
      id,
      cache: name,
      ok: id === command?.id,
      error: 'redis is away',
    }));
    await send({ sequence: 5, commandResults });
    const failed = await failing;
    expect(failed.stdout).toMatch(
      /^✗ Cleared mute\/all caches in 0 of 1 process\.\n[\s\S]*failed +mute\/sessions +one +redis is away/,
    );
    expect(failed.code).toBe(1);
  });

  test('needs the token where there is one, and is refused where the settings do not allow it', async () => {
    const guarded = await daemon({ guarded: true });
    const without = await pitcrew(['cache', 'stats', '--url', guarded]);
    expect(without.stderr).toContain('E_UNAUTHORIZED');
    expect(without.code).toBe(2);
    const env = { PITCREW_TOKEN: token };
    expect((await pitcrew(['cache', 'stats', '--url', guarded], { env })).code).toBe(0);
    const closed = await daemon({ allowed: false });
    const refused = await pitcrew(['cache', 'clear', '--yes', '--url', closed]);
    expect(refused.stderr).toMatch(/E_FORBIDDEN[\s\S]*actions\.cache is false/);
    expect(refused.code).toBe(4);
  });

  test.each([
    [['stats', '--url', 'http://127.0.0.1:2'], 3, /"pitcrew serve" cannot be reached[\s\S]*ECONNREFUSED/],
    [['stats', '--url', 'ftp://somewhere'], 2, /--url must be an http or https address/],
    [['invalidate'], 2, /nothing to invalidate is named/],
    [['clear', '--timeout', '0'], 2, /Give seconds from 1 to 600/],
    [['warm'], 2, /missing required argument 'warmer'/],
    [[], 2, /no command is named/],
  ])('with %j ends with %i and the reason', async (args, code, reason) => {
    const ended = await pitcrew(['cache', ...args]);
    expect(ended.stderr).toMatch(reason);
    expect(ended.code).toBe(code);
  });
});
