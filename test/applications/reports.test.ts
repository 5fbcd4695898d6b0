import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { openStore } from '../../src/ops/store/index.ts';
import { describe as describeStatement, loadParser } from '../../src/sql/index.ts';
import { applicationStatements } from '../../src/server/api/applications.ts';
import { queryAnalysis } from '../../src/server/api/queries.ts';
import { createApp } from '../../src/server/index.ts';
import { configDefinition } from '../../src/config/definition.ts';
import type { ApplicationReport } from '../../src/client/telemetry/report.ts';
import { freshStore, watch } from '../support/monitored.ts';
import { keepingLogger, plainMonitor } from '../support/plain-monitor.ts';
import { scratchServer, sharedMajors, testDatabase } from '../support/postgres.ts';
import { applicationReport, reportedCache, reportedStatement } from '../support/reports.ts';

const config = configDefinition.parse({});
const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
const bodyOf = (report: ApplicationReport) => new Uint8Array(gzipSync(JSON.stringify(report)));

/** Statements as applications and ORMs write them, with what they are called with. */
const statements: [text: string, values: unknown[]][] = [
  ['select "id", "customer" from "orders" where "orders"."customer" = $1 limit $2', [3, 10]],
  ['SELECT * FROM orders WHERE id IN ($1, $2, $3)', [1, 2, 3]],
  ['SELECT o.id FROM orders o JOIN orders p ON p.id = o.id WHERE o.customer = ANY($1) ORDER BY o.id DESC', [[1, 2]]],
  [
    "INSERT INTO orders (id, customer, note) VALUES ($1, $2, 'new') ON CONFLICT (id) DO NOTHING RETURNING id",
    [9000, 1],
  ],
  ["update orders set note = $1 where id = $2 and note <> 'x'", ['y', 4]],
  ['DELETE FROM "public"."orders" WHERE "id" = $1', [9000]],
  ['WITH late AS (SELECT id FROM orders WHERE customer = $1) SELECT count(*)::int FROM late', [5]],
];

test.each(sharedMajors().filter((major) => major === 15 || major === 18))(
  'what an application reports is found with the statement of pg_stat_statements on PostgreSQL %i',
  async (major) => {
    await loadParser();
    await using database = await testDatabase(major);
    await using history = await freshStore();
    await database.query('CREATE EXTENSION pg_stat_statements');
    await database.query('CREATE TABLE orders (id bigint PRIMARY KEY, customer int, note text)');
    await using monitor = watch({ url: database.url, store: history.store });
    await monitor.collectNow(['statements']);
    for (const [text, values] of statements) {
      for (let turn = 0; turn < 3; turn += 1) await database.query(text, values);
    }
    await monitor.collectNow(['statements']);
    const app = createApp({ monitors: [monitor], store: history.store, config, version: '0', logger: keepingLogger() });
    const reported = statements.map(([text], index) =>
      reportedStatement(describeStatement(text).fingerprint, [index + 1, index + 1, index + 1], { text }),
    );
    const body = bodyOf(applicationReport({ statements: reported }));
    const answer = await app.request('/api/v1/database/ingest', { method: 'POST', body, headers });
    expect(answer.status).toBe(202);
    const joined = await vi.waitFor(
      async () => {
        const response = await app.request('/api/v1/database/queries/analysis?limit=500&search=orders');
        const found = queryAnalysis.parse(await response.json()).statements.filter(({ application }) => application);
        expect(found.length).toBeGreaterThanOrEqual(statements.length);
        return found;
      },
      { timeout: 20_000 },
    );
    expect(joined.map(({ calls, application }) => [calls, application?.calls, application?.meanMs]).toSorted()).toEqual(
      statements.map((_, index) => [3, 3, index + 1]),
    );
    const unmatched = await app.request('/api/v1/database/queries/application?unmatched=true');
    expect(applicationStatements.parse(await unmatched.json()).statements).toEqual([]);
  },
);

/** A daemon in a process of its own, which takes reports. */
async function startIngest(url: string) {
  const path = fileURLToPath(new URL('../support/ingest-child.ts', import.meta.url));
  const child = spawn(process.execPath, [path, url], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [address] = (await once(child.stdout, 'data')) as [Buffer];
  return {
    url: String(address),
    async kill() {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function callsOf(url: string): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ calls: number }>(`
    SELECT sum(calls) AS calls
    FROM   pitcrew.application_raw
    JOIN   pitcrew.application_statement ON application_statement.id = application_statement_id
    WHERE  fingerprint <> ''`);
  await client.end();
  return rows[0]?.calls ?? 0;
}

test('a daemon that is killed again and again counts every report once, when reports are sent until there is an answer', async () => {
  await using database = await testDatabase();
  let daemon = await startIngest(database.url);
  let sent = 0;
  let accepted = 0;
  const killer = new AbortController();
  const killing = (async () => {
    for (const answers of [15, 40, 60]) {
      await vi.waitUntil(() => accepted >= answers, { timeout: 20_000, interval: 5 });
      await daemon.kill();
      daemon = await startIngest(database.url);
    }
    killer.abort();
  })();
  const instances = Array.from({ length: 4 }, async (_, instance) => {
    for (let sequence = 1; !killer.signal.aborted || sequence <= 20; sequence += 1) {
      const report = applicationReport({
        instance: `n${instance}`,
        sequence,
        statements: [reportedStatement('ab', [1, 2, 3]), reportedStatement(`c${instance}`, [1])],
      });
      sent += 4;
      for (let isAccepted = false; !isAccepted;) {
        isAccepted = await fetch(`${daemon.url}/api/v1/database/ingest`, {
          method: 'POST',
          body: bodyOf(report),
          headers,
        }).then(
          ({ status }) => status === 202,
          () => false,
        );
      }
      accepted += 1;
    }
  });
  await Promise.all([killing, ...instances]);
  await daemon.kill();
  expect(accepted).toBeGreaterThan(60);
  expect(await callsOf(database.url)).toBe(sent);
});

test('reports that come while the store is away are accepted, wait, and are counted once when it is back', async () => {
  await using server = await scratchServer();
  const store = await openStore({ url: server.url(), retention: config.store.retention });
  const monitors = [plainMonitor('shop', { targetId: await store.target('shop') })];
  const app = createApp({ monitors, store, config, version: '0', logger: keepingLogger() });
  const send = async (sequence: number): Promise<unknown> => {
    const caches = [reportedCache('catalogue')];
    const body = bodyOf(applicationReport({ sequence, statements: [reportedStatement('ab', [1])], caches }));
    const response = await app.request('/api/v1/database/ingest', { method: 'POST', body, headers });
    expect(response.status).toBe(202);
    return response.json();
  };
  expect(await send(1)).toMatchObject({ stored: true });
  await server.whileStopped(async () => {
    for (const sequence of [2, 3, 3]) expect(await send(sequence)).toMatchObject({ stored: false });
    expect(store.status().waitingBatches).toBeGreaterThanOrEqual(3);
  });
  await vi.waitFor(() => store.flush(), { timeout: 20_000 });
  expect(await send(2)).toMatchObject({ stored: true });
  const now = new Date();
  const figures = await store.history.applicationFigures({
    targetId: monitors[0]?.targetId ?? 0,
    from: new Date(now.getTime() - 600_000),
    to: now,
    fingerprints: ['ab'],
  });
  expect(figures.get('ab')?.calls).toBe(3);
  expect(store.status().lostBatches).toBe(0);
  await store.close();
});
