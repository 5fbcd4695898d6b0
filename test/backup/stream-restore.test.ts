import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { lsnOf } from '../../src/engine/postgres/replication/index.ts';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { segmentNames } from '../../src/ops/backup/wal/segments.ts';
import { startServer } from '../../src/ops/embedded/index.ts';
import { backupServer } from '../support/backup-server.ts';
import { session } from '../support/catalog.ts';
import { command, startPitcrew } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { testSettings } from '../support/postgres.ts';
import { collected } from '../support/streams.ts';

test('of a server that is gone, all is there that was told to be stored, whenever the stream was killed', async () => {
  await using folder = temporaryFolder();
  await using server = await backupServer();
  const client = await session(server.url());
  await client.query('CREATE TABLE ledger (id int PRIMARY KEY, pad text)');
  const location = join(folder.path, 'repository');
  const repository = openRepository({ storage: localStorage(location) });
  const flags = ['--database', server.url(), '--repository', location];
  expect(await command(['backup', 'create', ...flags, '--quiet'])).toMatchObject({ code: 0 });

  /** Rows go on being committed; each with where its commit is in the log. */
  let at = 0;
  let most = Infinity;
  const writing = new AbortController();
  const commits: { id: number; lsn: bigint }[] = [];
  const writer = (async () => {
    while (!writing.signal.aborted) {
      if (at >= most) {
        await delay(5);
        continue;
      }
      at += 1;
      await client.query(
        `INSERT INTO ledger SELECT $1, string_agg(md5(random()::text), '') FROM generate_series(1, 100)`,
        [at],
      );
      const { rows } = await client.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn() AS lsn');
      commits.push({ id: at, lsn: lsnOf(rows[0]?.lsn ?? '') ?? 0n });
    }
  })();
  const streaming = ['backup', 'stream', ...flags, '--slot', 'pitcrew_gone', '--partial-every', '0.3', '--json'];
  let told = 0n;
  for (let n = 0; n < 3; n += 1) {
    const before = told;
    const stream = startPitcrew(streaming, { env: { PITCREW_DATA_DIR: folder.path } });
    await stream.saw(/"stored"[^\n]*"partial":true/);
    if (n === 2) {
      // The last time in the middle of a segment: so many rows are less than one.
      await using other = await session(server.url());
      await other.query('SELECT pg_switch_wal()');
      most = at + 2000;
      const { rows } = await other.query<{ name: string }>(
        'SELECT pg_walfile_name(pg_current_wal_insert_lsn() + 1) AS name',
      );
      await stream.saw(new RegExp(`"stored"[^\\n]*"${rows[0]?.name}"[^\\n]*"partial":true`));
    }
    // At some moment while something is stored.
    const enough = Math.min(commits.length + n + 1, most);
    await expect.poll(() => commits.length, { interval: 1 }).toBeGreaterThanOrEqual(enough);
    stream.child.kill('SIGKILL');
    const { stdout } = await stream.ended;
    for (const [, lsn = ''] of stdout.matchAll(/"stored"[^\n]*?"lsn":"([0-9A-F/]+)"/g)) {
      const position = lsnOf(lsn) ?? 0n;
      if (position > told) told = position;
    }
    expect(told).toBeGreaterThan(before);
  }
  writing.abort();
  await writer;
  await client.end();
  execFileSync('chown', ['-R', `--reference=${server.dataDir}`, location]);
  // With its data: nothing is left of it but what is in the repository.
  await server.stop('immediate');
  expect(existsSync(server.dataDir)).toBe(false);

  const record = await repository.stream();
  expect(record?.storedLsn).toBeGreaterThanOrEqual(told);
  const names = (await collected(repository.wal())).map(({ name }) => name);
  const complete = names.filter((name) => !name.endsWith('.partial'));
  expect(complete).toEqual(
    segmentNames(1, lsnOf('0/1000000') ?? 0n, 2n ** 40n, 16 * 1024 * 1024).slice(0, complete.length),
  );
  const to = join(folder.path, 'restored');
  expect(await command(['restore', 'latest', '--repository', location, '--to', to])).toMatchObject({ code: 0 });
  const restored = await startServer({ dataDir: to, settings: testSettings });
  try {
    await using reader = await session(restored.url());
    await expect
      .poll(async () => (await reader.query('SELECT pg_is_in_recovery() AS recovering')).rows)
      .toEqual([{ recovering: false }]);
    const { rows } = await reader.query<{ id: number }>('SELECT id FROM ledger ORDER BY id');
    const ids = rows.map(({ id }) => id);
    expect(ids).toEqual(ids.map((_, place) => place + 1));
    const promised = commits.filter(({ lsn }) => lsn <= told).map(({ id }) => id);
    expect(promised.length).toBeGreaterThan(0);
    expect(ids.length).toBeGreaterThanOrEqual(promised.length);
    // The last of them in a segment of which only a part is there.
    expect(names.filter((name) => name.endsWith('.partial'))).toHaveLength(1);
  } finally {
    await restored.stop('immediate');
  }
});
