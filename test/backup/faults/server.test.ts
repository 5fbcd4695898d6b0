import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createBackup } from '../../../src/ops/backup/create/create-backup.ts';
import type { CreateOptions } from '../../../src/ops/backup/create/options.ts';
import { openRepository, type Repository } from '../../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../../src/ops/backup/storage/index.ts';
import { backupServer } from '../../support/backup-server.ts';
import { problemsIn } from '../../support/backup-chain.ts';
import { session } from '../../support/catalog.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { scratchReplica } from '../../support/postgres.ts';
import { tcpProxy } from '../../support/tcp-proxy.ts';

const madeBy = 'a test';
/** Slow enough to do something meanwhile, however slow that is. */
const slowly = { maxRateKb: 100 };

/** Does something once files come, and says how the backup ended. */
async function meanwhile(
  options: Omit<CreateOptions, 'madeBy'>,
  work: () => Promise<unknown> | void,
  wanted = 'copying',
): Promise<unknown> {
  const reached = Promise.withResolvers<void>();
  const made = createBackup({
    ...options,
    madeBy,
    onProgress: ({ phase }) => {
      if (phase === wanted) reached.resolve();
    },
  });
  const ended = made.catch((error: unknown) => error);
  await Promise.race([reached.promise, ended]);
  await work();
  return ended;
}

/** What was there is there, whole, and nothing else. */
async function expectOnly(repository: Repository, ids: readonly string[]): Promise<void> {
  expect((await repository.backups()).map(({ id }) => id)).toEqual(ids);
  expect(await repository.leftovers()).toEqual([]);
  expect(await repository.running()).toEqual([]);
  expect(await problemsIn(repository)).toEqual([]);
}

test('a server that ends a session, restarts or is cut off while it is backed up', async () => {
  await using folder = temporaryFolder();
  await using server = await backupServer();
  await using proxy = await tcpProxy(server.url());
  const repository = openRepository({ storage: localStorage(join(folder.path, 'repository')) });
  const url = server.url();
  const { id } = await createBackup({ url, repository, madeBy });
  await using client = await session(url);

  const ended = { code: 'E_DATABASE_UNREACHABLE', detail: expect.stringContaining('terminating connection') };

  // With the session that receives the log goes the slot that kept it.
  const withoutSlot = await meanwhile({ url, repository, ...slowly }, () =>
    client.query('SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots'),
  );
  expect(withoutSlot).toMatchObject(ended);
  await expectOnly(repository, [id]);

  const withoutFiles = await meanwhile({ url, repository, ...slowly }, () =>
    client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BASE_BACKUP%'`),
  );
  expect(withoutFiles).toMatchObject(ended);
  await expectOnly(repository, [id]);

  const through = { url: proxy.url(url), repository };
  const reset = await meanwhile({ ...through, ...slowly }, () => proxy.cut());
  expect(reset).toMatchObject({
    code: 'E_DATABASE_UNREACHABLE',
    message: `cannot reach 127.0.0.1:${proxy.port}/postgres`,
  });
  await expectOnly(repository, [id]);

  const silent = await meanwhile({ ...through, ...slowly, silenceLimitMs: 500 }, () => proxy.silence());
  expect(silent).toMatchObject({
    code: 'E_CONNECTION_LOST',
    message: `127.0.0.1:${proxy.port}/postgres does not answer`,
  });
  proxy.resume();
  await expectOnly(repository, [id]);

  const silentAtFirst = await meanwhile({ ...through, silenceLimitMs: 500 }, () => proxy.silence(), 'waiting');
  expect(silentAtFirst).toMatchObject({ code: 'E_CONNECTION_LOST' });
  proxy.resume();
  await expectOnly(repository, [id]);
  await expect.poll(async () => (await client.query('SELECT 1 FROM pg_replication_slots')).rows).toEqual([]);

  const last = await createBackup({ ...through, madeBy });
  await expectOnly(repository, [id, last.id]);
  const restarted = await meanwhile({ url, repository, ...slowly }, () => server.stop('immediate'));
  expect(restarted).toMatchObject({ code: 'E_DATABASE_UNREACHABLE' });
  await expectOnly(repository, [id, last.id]);
});

test('a server that is promoted over another one between the two connections of a backup', async () => {
  await using folder = temporaryFolder();
  await using primary = await backupServer();
  await using replica = await scratchReplica(primary, 18);
  const repository = openRepository({ storage: localStorage(join(folder.path, 'repository')) });
  const { id } = await createBackup({ url: primary.url(), repository, madeBy });
  await replica.promote();
  await using front = await failover(primary.port, replica.port);
  const url = primary.url().replace(`:${primary.port}/`, `:${front.port}/`);
  await expect(createBackup({ url, repository, madeBy })).rejects.toMatchObject({
    code: 'E_CONFLICT',
    message: 'the server was promoted while it was backed up',
    detail: expect.stringMatching(/timeline/),
  });
  await expectOnly(repository, [id]);
  const after = await createBackup({ url: replica.url(), repository, madeBy });
  expect(after.timeline).toBe(2);
  await expectOnly(repository, [id, after.id]);
});

/** An address that leads to one server for the first connection, and to another from then on. */
async function failover(before: number, after: number): Promise<{ port: number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  let seen = 0;
  const server: Server = createServer((socket) => {
    const upstream = connect(seen === 0 ? before : after, '127.0.0.1');
    seen += 1;
    for (const each of [socket, upstream]) {
      sockets.add(each);
      each.on('error', () => {});
      each.on('close', () => {
        socket.destroy();
        upstream.destroy();
      });
    }
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
