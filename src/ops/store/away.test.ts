import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { scratchServer, testDatabase } from '../../../test/support/postgres.ts';
import { retention, statementBatch, statementDelta, testStore } from '../../../test/support/store.ts';
import { openStore, type Store } from './index.ts';

const start = Math.floor(Date.now() / 3_600_000 - 2) * 3_600_000;

async function callsOf(store: Store, targetId: number): Promise<number> {
  const range = { from: new Date(start), to: new Date(start + 3_600_000) };
  return (await store.history.statements({ targetId, ...range, orderBy: 'calls', limit: 1 })).totals.calls;
}

function append(store: Store, targetId: number, number: number, calls: number, statements = 1): void {
  const deltas = Array.from({ length: statements }, (_, index) => statementDelta(String(index), { calls }));
  store.append(statementBatch(targetId, start + number * 10_000, deltas));
}

test('a store that is stopped and started again gets what waited meanwhile', async () => {
  await using server = await scratchServer(18);
  await using store = await testStore(server.url());
  const targetId = await store.target('main');
  await store.claim(targetId);
  append(store, targetId, 1, 1);
  await store.flush();
  await server.whileStopped(async () => {
    append(store, targetId, 2, 10);
    await expect(store.flush()).rejects.toMatchObject({ code: 'E_STORE_UNAVAILABLE' });
    append(store, targetId, 3, 100);
    expect(store.status()).toMatchObject({ state: 'away', waitingBatches: 2, lostBatches: 0 });
    expect(store.status().message).toBeTruthy();
    await expect(callsOf(store, targetId)).rejects.toMatchObject({ code: 'E_STORE_UNAVAILABLE' });
    // Still ours, as far as anyone can know.
    expect(await store.claim(targetId)).toBe(true);
  });
  // Nobody asks: it comes back by itself.
  await expect.poll(() => store.status(), { timeout: 20_000 }).toMatchObject({ state: 'ready', waitingBatches: 0 });
  expect(await callsOf(store, targetId)).toBe(111);
  append(store, targetId, 4, 1000);
  await store.flush();
  expect(await callsOf(store, targetId)).toBe(1111);

  await server.stop('immediate');
  append(store, targetId, 5, 1);
  await store.close();
  await store.close();
});

test('a store whose sessions are killed loses and doubles nothing', async () => {
  await using database = await testDatabase();
  await using store = await testStore(database.url);
  const targetId = await store.target('main');
  await store.claim(targetId);
  for (let number = 1; number <= 30; number++) {
    append(store, targetId, number, 1, 20);
    if (number % 10 === 5) {
      await database.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pitcrew store' AND datname = current_database()",
      );
    }
  }
  await expect
    .poll(() => store.status(), { timeout: 20_000 })
    .toMatchObject({ state: 'ready', waitingBatches: 0, lostBatches: 0 });
  await store.flush();
  expect(await callsOf(store, targetId)).toBe(600);
});

test('a read-only store is told from one that is away, and writing resumes', async () => {
  await using database = await testDatabase();
  await using store = await testStore(database.url);
  const targetId = await store.target('main');
  await store.claim(targetId);
  const setReadOnly = async (value: string): Promise<void> => {
    await database.query(`ALTER DATABASE ${database.name} SET default_transaction_read_only = ${value}`);
    await database.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pitcrew store' AND datname = current_database()",
    );
  };
  await setReadOnly('on');
  append(store, targetId, 1, 7);
  await expect.poll(() => store.status(), { timeout: 20_000 }).toMatchObject({ state: 'read-only', waitingBatches: 1 });
  await setReadOnly('off');
  await expect.poll(() => store.status(), { timeout: 20_000 }).toMatchObject({ state: 'ready', waitingBatches: 0 });
  expect(await callsOf(store, targetId)).toBe(7);
});

function run(program: string, args: string[]): void {
  execFileSync(program, args, { stdio: 'ignore' });
}

const mount = mkdtempSync(join(tmpdir(), 'pitcrew-store-disk-'));
const canMount = ((): boolean => {
  try {
    run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', mount]);
    run('umount', [mount]);
    return true;
  } catch {
    process.stderr.write('A small file system cannot be mounted here (root only): "disk full" is not tested.\n');
    rmSync(mount, { recursive: true });
    return false;
  }
})();

test.runIf(canMount)(
  'a full disk is told, history stays readable, and writing resumes when there is room',
  async () => {
    run('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=755', 'tmpfs', mount]);
    try {
      await using server = await scratchServer(18);
      const { uid, gid } = statSync(server.dataDir);
      mkdirSync(join(mount, 'space'));
      for (const folder of [mount, join(mount, 'space')]) chownSync(folder, uid, gid);
      const admin = new pg.Client(server.url());
      await admin.connect();
      await admin.query(`CREATE TABLESPACE small LOCATION '${join(mount, 'space')}'`);
      await admin.query('CREATE DATABASE small TABLESPACE small');
      await using store = await testStore(server.url('small'));
      const targetId = await store.target('main');
      await store.claim(targetId);
      append(store, targetId, 1, 1, 2000);
      await store.flush();
      expect(() => writeFileSync(join(mount, 'ballast'), Buffer.alloc(64 * 1024 * 1024))).toThrow('ENOSPC');

      append(store, targetId, 2, 1, 5000);
      await expect(store.flush()).rejects.toMatchObject({ code: 'E_STORE_UNAVAILABLE' });
      expect(store.status()).toMatchObject({ state: 'read-only', waitingBatches: 1 });
      expect(store.status().message).toContain('disk full');
      expect(await callsOf(store, targetId)).toBe(2000);

      rmSync(join(mount, 'ballast'));
      await expect.poll(() => store.status(), { timeout: 20_000 }).toMatchObject({ state: 'ready', waitingBatches: 0 });
      expect(await callsOf(store, targetId)).toBe(7000);
      await admin.end();
    } finally {
      run('umount', ['-l', mount]);
      rmSync(mount, { recursive: true });
    }
  },
);

test('what the store refuses is given up alone, and said', async () => {
  await using database = await testDatabase();
  await using store = await testStore(database.url);
  const targetId = await store.target('main');
  await store.claim(targetId);
  append(store, targetId, 1, 1);
  const kind = 'bad' as 'gauge';
  store.append({ targetId, collector: 'x', at: new Date(start), seconds: 0, metrics: [{ name: 'a', kind, value: 1 }] });
  store.append({
    targetId,
    collector: 'x',
    at: new Date(NaN),
    seconds: 0,
    metrics: [{ name: 'a', kind: 'gauge', value: 1 }],
  });
  append(store, targetId, 2, 10);
  await expect(store.flush()).rejects.toMatchObject({ code: 'E_STORE_UNAVAILABLE' });
  expect(store.status()).toMatchObject({ state: 'ready', waitingBatches: 0, lostBatches: 2 });
  expect(await callsOf(store, targetId)).toBe(11);
});

describe('opening', () => {
  test('two at once make one schema', async () => {
    await using database = await testDatabase();
    const stores = await Promise.all([1, 2, 3].map(() => openStore({ url: database.url, retention })));
    const targets = await Promise.all(stores.map((store) => store.target('main')));
    expect(targets).toEqual([targets[0], targets[0], targets[0]]);
    await Promise.all(stores.map((store) => store.close()));
  });

  test('a role that may not make the schema is told which GRANT is missing', async () => {
    await using database = await testDatabase();
    const role = `${database.name}_role`;
    await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'sesame'`);
    const url = new URL(database.url.replace('postgres:', 'http:'));
    url.username = role;
    url.password = 'sesame';
    const open = (): Promise<Store> => openStore({ url: url.href.replace('http:', 'postgres:'), retention });
    await expect(open()).rejects.toMatchObject({
      code: 'E_STORE_UNAVAILABLE',
      sqlState: '42501',
      hint: `GRANT CREATE ON DATABASE ${database.name} TO ${role};`,
    });
    await database.query('CREATE SCHEMA pitcrew');
    await expect(open()).rejects.toMatchObject({ hint: `GRANT USAGE, CREATE ON SCHEMA pitcrew TO ${role};` });
    // A schema that an administrator made is enough.
    await database.query(`GRANT USAGE, CREATE ON SCHEMA pitcrew TO ${role}`);
    const store = await open();
    expect(await store.target('main')).toBe(1);
    await store.close();
    await database.query(`DROP OWNED BY ${role}`);
    await database.query(`DROP ROLE ${role}`);
  });

  test('a schema of a newer Pitcrew is left alone', async () => {
    await using database = await testDatabase();
    await (await openStore({ url: database.url, retention })).close();
    await database.query("INSERT INTO pitcrew.migration (number, name) VALUES (99, 'later')");
    await expect(openStore({ url: database.url, retention })).rejects.toMatchObject({
      code: 'E_STORE_UNAVAILABLE',
      message: 'the store was made by a newer Pitcrew',
      hint: expect.stringContaining('Upgrade'),
    });
  });

  test('a server that is not there is E_STORE_UNAVAILABLE, without the password', async () => {
    const opening = openStore({ url: 'postgres://me:sesame@127.0.0.1:1/x', retention });
    await expect(opening).rejects.toMatchObject({
      code: 'E_STORE_UNAVAILABLE',
      detail: expect.not.stringContaining('sesame'),
    });
  });
});
