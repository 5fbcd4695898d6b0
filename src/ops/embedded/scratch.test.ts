import { chmodSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { installedServers } from '../../../test/support/postgres.ts';
import { startScratchServer } from './index.ts';
import { sweep } from './scratch.ts';
import { lockCluster } from './server.ts';

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

test('what a killed process left is removed, what a living one uses is not', async () => {
  const root = realpathSync(tmpdir());
  const [left, used] = [mkdtempSync(join(root, 'pitcrew-scratch-')), mkdtempSync(join(root, 'pitcrew-scratch-'))];
  for (const folder of [left, used]) {
    chmodSync(folder, 0o711);
    mkdirSync(join(folder, 'data'));
  }
  const lock = lockCluster(join(used, 'data'));
  await sweep(-1000);
  expect(existsSync(left)).toBe(false);
  expect(existsSync(used)).toBe(true);
  lock.release();
  rmSync(used, { recursive: true });
});
