import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { configDefinition } from '../../src/config/definition.ts';
import { createBackupService } from '../../src/ops/backup/index.ts';
import { mirror } from '../../src/ops/backup/mirror/mirror.ts';
import { openRepository } from '../../src/ops/backup/repository/index.ts';
import { behindOf } from '../../src/ops/backup/service/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { backupFamilies } from '../../src/server/prometheus/backups.ts';
import { presentBackups } from '../../src/server/present/backups.ts';
import { pitcrew } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { keepingLogger } from '../support/plain-monitor.ts';
import { putBackupAt } from '../support/plain-backups.ts';
import { scratchServer, testDatabase } from '../support/postgres.ts';
import { testStore } from '../support/store.ts';

test('a copy is behind by what the next one would bring, not by what was removed there or is just being made', async () => {
  const folder = testFolder();
  const [from, to] = ['first', 'second'].map((name) => openRepository({ storage: localStorage(join(folder, name)) }));
  if (!from || !to) throw new Error('there are two');
  const made = [await putBackupAt(from, 1), await putBackupAt(from, 2), await putBackupAt(from, 3)];
  const [a, b, c] = made;
  expect(behindOf(made, [])).toEqual({ backups: 3, since: a?.endedAt, isEmpty: true });
  await mirror({ from, to });
  const copied = await to.backups();
  expect(behindOf(made, copied)).toBeUndefined();
  expect(behindOf(made, copied.slice(-1))).toBeUndefined();
  expect(behindOf(made, copied.slice(0, 1))).toEqual({ backups: 2, since: b?.endedAt, isEmpty: false });
  expect(behindOf(made, copied.slice(0, 1), c?.endedAt)).toMatchObject({ backups: 1 });
  expect(behindOf([], copied)).toBeUndefined();
});

test('a copy that fails is told by health, metrics, the API and the list, until it has caught up', async () => {
  const folder = testFolder();
  await using server = await scratchServer(18);
  await using database = await testDatabase();
  await using store = await testStore(database.url);
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  const backups = {
    shop: {
      repositories: [{ location: first }, { location: second }],
      checkpoint: 'fast',
      drill: 'never',
      keep: { last: 9 },
    },
  };
  const config = configDefinition.parse({ databases: { shop: server.url() }, backups });
  const settings = config.backups['shop'];
  if (!settings) throw new Error('no backups in the settings');
  // A file is in the way of the folder.
  writeFileSync(second, '');
  const service = createBackupService({
    name: 'shop',
    url: server.url(),
    settings,
    store,
    logger: keepingLogger(),
    madeBy: 'pitcrew test',
    drillDir: join(folder, 'drills'),
    spoolDir: tmpdir(),
    tickMs: 50,
  });
  try {
    await service.run({ kind: 'full', by: 'ann' });
    await service.idle();
    rmSync(second);
    const patient = { timeout: 40_000, interval: 100 };
    await expect
      .poll(() => service.known()?.facts.behind, patient)
      .toMatchObject([{ name: second, backups: 1, isEmpty: true, reason: expect.stringMatching(/\S/) }]);
    const [made] = (await service.catalogue()).backups ?? [];
    const behindOfMetrics = () =>
      new Map(backupFamilies([service]).map(({ name, series }) => [name, series])).get('pitcrew_backup_copy_behind');
    expect(behindOfMetrics()).toEqual([{ labels: { target: 'shop', repository: second }, value: 1 }]);
    const presented = presentBackups(service, await service.catalogue(), { latest: [], drills: [] });
    expect(presented.repositories.map(({ behind }) => behind)).toEqual([
      null,
      { backups: 1, since: made?.endedAt.toISOString() },
    ]);
    const file = join(folder, 'pitcrew.config.json');
    writeFileSync(file, JSON.stringify({ databases: { shop: server.url() }, backups }), { mode: 0o600 });
    const list = async () => (await pitcrew(['backup', 'list', '--config', file])).stdout;
    expect(await list()).toContain(`Copy: ${second} is 1 backup behind, since `);

    await service.run({ kind: 'full', by: 'ann' });
    await service.idle();
    await expect.poll(() => service.known()?.catalogue.repositories[1]?.backups, patient).toBe(2);
    expect(service.known()?.facts.behind).toEqual([]);
    expect(behindOfMetrics()).toMatchObject([{ value: 0 }]);
    expect(await list()).toContain(`Copy: ${second} lacks nothing.`);
  } finally {
    await service.stop();
  }
}, 90_000);
