import { afterAll, beforeAll, expect, test } from 'vitest';
import { plainMonitor } from '../../../test/support/plain-monitor.ts';
import { type TestDatabase, testDatabase } from '../../../test/support/postgres.ts';
import { loadConfig } from '../../config/index.ts';
import { openStore, type Store } from '../../ops/store/index.ts';
import { sumCounters } from '../present/statements.ts';
import { createStatementFamilies } from './statements.ts';

let database: TestDatabase;
let store: Store;
let targetId = 0;

beforeAll(async () => {
  database = await testDatabase();
  const { config } = await loadConfig({ cwd: '/', env: {} });
  store = await openStore({ url: database.url, retention: config.store.retention });
  targetId = await store.target('shop');
  await store.claim(targetId);
});

afterAll(async () => {
  await store.close();
  await database[Symbol.asyncDispose]();
});

/** Calls of statements by their queryid, as if a collector had seen them so long ago. */
function append(secondsAgo: number, calls: Record<string, number>): void {
  const at = new Date(Date.now() - secondsAgo * 1000);
  const key = { database: 'shop', user: 'app', toplevel: true };
  store.append({
    targetId,
    collector: 'statements',
    at,
    seconds: 10,
    metrics: [{ name: 'pitcrew.covered_seconds', labels: { collector: 'statements' }, kind: 'counter', value: 10 }],
    texts: Object.keys(calls).map((queryId) => ({
      key: { ...key, queryId },
      text: `SELECT ${queryId}`,
      own: queryId === 'own',
    })),
    statements: Object.entries(calls).map(([queryId, count]) => ({
      key: { ...key, queryId },
      counters: { ...sumCounters([]), calls: count, totalExecUs: count * 1000 },
    })),
  });
}

test('the heaviest have series of their own, the rest is "other", ours are left out, and all add up', async () => {
  const monitors = [plainMonitor('shop', { targetId })];
  const families = createStatementFamilies(store, 2, new Date(Date.now() - 300_000));
  const callsOf = async () => {
    const family = (await families(monitors)).find(({ name }) => name === 'pitcrew_statement_calls');
    return Object.fromEntries((family?.series ?? []).map(({ labels, value }) => [labels.queryid, value]));
  };
  append(120, { a: 100, b: 50, c: 7, d: 1, own: 1000 });
  append(60, { a: 1, c: 1 });
  // Before the server began, and too fresh to be complete.
  append(1200, { a: 5000 });
  append(0, { a: 3000 });
  expect(await callsOf()).toEqual({ a: 101, b: 50, other: 9 });
  expect(await callsOf()).toEqual({ a: 101, b: 50, other: 9 });
});

test('without a store or with none wanted there are none', async () => {
  const monitors = [plainMonitor('shop', { targetId })];
  for (const families of [createStatementFamilies(undefined, 20), createStatementFamilies(store, 0)]) {
    expect((await families(monitors)).flatMap(({ series }) => series)).toEqual([]);
  }
});
