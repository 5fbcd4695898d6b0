import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { isSameServer } from '../../src/engine/postgres/index.ts';
import { type EmbeddedServer, startServer } from '../../src/ops/embedded/index.ts';
import type { Store } from '../../src/ops/store/index.ts';
import { watched } from '../support/catalog.ts';
import { temporaryFolder } from '../support/folder.ts';
import { freshStore, watch } from '../support/monitored.ts';
import { installedServers, scratchReplica, scratchServer, testedMajors, testSettings } from '../support/postgres.ts';

async function identity(url: string): Promise<string> {
  await using target = await watched(url);
  return target.profile.identity;
}

/** Has nobody listen on a port that is free until the scope ends: chance may choose the same one twice. */
async function occupied(port: number): Promise<AsyncDisposable> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { [Symbol.asyncDispose]: async () => void (await once(server.close(), 'close')) };
}

/** One cluster whose server may be stopped and started at will, each time at another port unless one is given. */
function cluster(major: number) {
  const folder = temporaryFolder();
  const binaries = installedServers().find((installed) => installed.major === major)?.binaries;
  if (!binaries) throw new Error(`no PostgreSQL ${major} on this machine`);
  let running: EmbeddedServer | undefined;
  return {
    async start(port?: number): Promise<EmbeddedServer> {
      await using _ = port === undefined && running ? await occupied(running.port) : undefined;
      running = await startServer({
        dataDir: join(folder.path, 'data'),
        binaries,
        settings: testSettings,
        ...(port === undefined ? {} : { port }),
      });
      return running;
    },
    async [Symbol.asyncDispose]() {
      await running?.stop('immediate');
      await folder[Symbol.asyncDispose]();
    },
  };
}

test.each(testedMajors(18, 15))(
  'a PostgreSQL %i is the same after a restart, a crash and a move to another address; another one is not',
  async (major) => {
    await using servers = cluster(major);
    await using other = await scratchServer(major);
    const seen: string[] = [];
    const first = await servers.start();
    seen.push(await identity(first.url()));
    await first.stop();
    const restarted = await servers.start(first.port);
    seen.push(await identity(restarted.url()));
    await restarted.stop('immediate');
    const recovered = await servers.start(first.port);
    seen.push(await identity(recovered.url()));
    await recovered.stop();
    const moved = await servers.start();
    expect(moved.port).not.toBe(first.port);
    seen.push(await identity(moved.url()));
    expect(seen.slice(1).map((now, index) => isSameServer(seen[index] ?? '', now))).toEqual([true, true, true]);
    expect(isSameServer(seen[0] ?? '', await identity(other.url()))).toBe(false);
    // In this order it cannot be: it had started before.
    expect(isSameServer(seen[3] ?? '', seen[0] ?? '')).toBe(false);
  },
);

async function work(url: string, times: number): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
  for (let n = 0; n < times; n += 1) await client.query('SELECT 1 AS moving');
  await client.end();
}

async function calls(store: Store, targetId: number): Promise<number> {
  await store.flush();
  const { statements } = await store.history.statements({
    targetId,
    from: new Date(Date.now() - 3_600_000),
    to: new Date(Date.now() + 60_000),
    search: 'moving',
    orderBy: 'calls',
    limit: 5,
  });
  return statements.reduce((sum, { counters }) => sum + counters.calls, 0);
}

test('history goes on when a server comes back at another address, and when it was begun by the first form', async () => {
  await using servers = cluster(18);
  await using kept = await freshStore();
  const look = async (url: string): Promise<number> => {
    await using monitor = watch({ url, store: kept.store });
    await monitor.collectNow(['statements']);
    return calls(kept.store, monitor.targetId);
  };
  const first = await servers.start();
  await work(first.url(), 4);
  expect(await look(first.url())).toBe(0);
  await work(first.url(), 5);
  await first.stop();
  const moved = await servers.start();
  expect(moved.port).not.toBe(first.port);
  await work(moved.url(), 2);
  expect(await look(moved.url())).toBe(7);
  const firstForm = await (async () => {
    await using target = await watched(moved.url());
    const { systemIdentifier } = target.profile;
    return `${systemIdentifier} localhost:${moved.port} ${moved.dataDir}`;
  })();
  await kept.database.query("UPDATE pitcrew.baseline SET stamp = $1 WHERE key LIKE '%@run'", [firstForm]);
  await work(moved.url(), 3);
  expect(await look(moved.url())).toBe(10);
});

test('after a failover to a replica its own counters are a start', async () => {
  await using primary = await scratchServer(18);
  await work(primary.url(), 40);
  await using replica = await scratchReplica(primary, 18);
  await using kept = await freshStore();
  const look = async (url: string): Promise<number> => {
    await using monitor = watch({ url, store: kept.store });
    await monitor.collectNow(['statements']);
    return calls(kept.store, monitor.targetId);
  };
  await look(primary.url());
  await work(primary.url(), 1);
  expect(await look(primary.url())).toBe(1);
  await replica.promote();
  await work(replica.url(), 60);
  expect(await look(replica.url())).toBe(1);
  await work(replica.url(), 2);
  expect(await look(replica.url())).toBe(3);
});
