import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { installedServers } from '../../../test/support/postgres.ts';
import { startScratchServer } from './index.ts';
import { keepScratchFolder, makeScratchFolder, sweepScratchFolders } from './scratch-folder.ts';

test.each(installedServers())(
  'a scratch server of PostgreSQL $major leaves nothing behind',
  async ({ major, binaries }) => {
    const server = await startScratchServer({ binaries, settings: { work_mem: '1MB' } });
    const client = new pg.Client(server.url());
    await client.connect();
    const { rows } = await client.query(
      `SELECT current_setting('server_version_num')::int / 10000 AS major, current_setting('work_mem') AS work_mem`,
    );
    expect(rows).toEqual([{ major, work_mem: '1MB' }]);
    await client.end();
    await server.stop();
    expect(existsSync(dirname(server.dataDir))).toBe(false);
  },
);

test('two servers at once do not know of each other', async () => {
  const [one, two] = await Promise.all([startScratchServer(), startScratchServer()]);
  expect(one.port).not.toBe(two.port);
  expect(dirname(one.dataDir)).not.toBe(dirname(two.dataDir));
  await Promise.all([one.stop(), two.stop('immediate')]);
});

test('what a killed process left is removed, what a living one uses or was to be kept is not', async () => {
  const root = realpathSync(tmpdir());
  const prefix = 'pitcrew-scratch-';
  const [left, used, kept] = [1, 2, 3].map(() => makeScratchFolder(root, prefix));
  if (!left || !used || !kept) throw new Error('three were made');
  for (const { dataDir } of [left, used, kept]) mkdirSync(dataDir);
  // A killed process releases its locks, and nothing else.
  left.lock.release();
  keepScratchFolder(kept);
  kept.lock.release();
  await sweepScratchFolders(root, prefix, -1000);
  expect([left, used, kept].map(({ path }) => existsSync(path))).toEqual([false, true, true]);
  used.remove();
  kept.remove();
  expect([used, kept].map(({ path }) => existsSync(path))).toEqual([false, false]);
});
