import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBackup } from '../../../src/ops/backup/create/create-backup.ts';
import { openRepository } from '../../../src/ops/backup/repository/index.ts';
import { prune } from '../../../src/ops/backup/retention/prune.ts';
import { localStorage } from '../../../src/ops/backup/storage/index.ts';
import { backedUp, type BackedUp, problemsIn } from '../../support/backup-chain.ts';
import { session } from '../../support/catalog.ts';

const stack = new AsyncDisposableStack();
let it: BackedUp;
const madeBy = 'a test';
const policy = { last: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0, timeZone: 'UTC' };

beforeAll(async () => {
  it = stack.use(await backedUp());
  await it.backUp('full');
});
afterAll(() => stack.disposeAsync());

test('backups at once into one repository and into another one are whole, and each builds on one that is there', async () => {
  const { repository } = it.copy('of two at once');
  const other = openRepository({ storage: localStorage(join(it.folder, 'another')) });
  const url = it.server.url();
  const made = await Promise.all([
    createBackup({ url, repository, madeBy, type: 'incremental' }),
    createBackup({ url, repository, madeBy, type: 'incremental' }),
    createBackup({ url, repository: other, madeBy }),
  ]);
  expect(new Set((await repository.backups()).map(({ id }) => id))).toEqual(
    new Set([...(await it.repository.backups()), ...made.slice(0, 2)].map(({ id }) => id)),
  );
  for (const each of [repository, other]) expect(await problemsIn(each)).toEqual([]);
});

test('a prune takes nothing that a backup needs which is being made, however late that ends', async () => {
  const { repository } = it.copy('pruned meanwhile');
  const url = it.server.url();
  await using client = await session(url);
  const copying = Promise.withResolvers<void>();
  const pruned = Promise.withResolvers<void>();
  const slow = createBackup({
    url,
    repository: {
      ...repository,
      putFile: async (id, name, ...rest) => {
        if (name !== 'base.tar') return repository.putFile(id, name, ...rest);
        const stored = await repository.putFile(id, name, ...rest);
        copying.resolve();
        await pruned.promise;
        return stored;
      },
    },
    madeBy,
    type: 'incremental',
  });
  await copying.promise;
  // Others begin after it, and end before it.
  for (let count = 0; count < 2; count += 1) {
    await client.query('INSERT INTO apart SELECT n FROM generate_series(1, 1000) n');
    await client.query('SELECT pg_switch_wal()');
    await createBackup({ url, repository, madeBy });
  }
  const { decisions } = await prune(repository, { policy, dryRun: false });
  expect(decisions.map(({ keep }) => keep)).toEqual([true, false, true]);
  pruned.resolve();
  const { id } = await slow;
  expect((await repository.backups()).map((backup) => backup.id)).toContain(id);
  expect(await problemsIn(repository)).toEqual([]);
  // Its parent goes with it, and so does the log.
  const { segments } = await prune(repository, { policy, dryRun: false });
  expect(segments.count).toBeGreaterThan(0);
  expect(await repository.backups()).toHaveLength(1);
  expect(await problemsIn(repository)).toEqual([]);
});

test('a backup whose log was taken meanwhile is given up', async () => {
  const { repository } = it.copy('without log');
  const made = createBackup({
    url: it.server.url(),
    repository: { ...repository, hasWal: async () => false },
    madeBy,
  });
  await expect(made).rejects.toMatchObject({ code: 'E_CONFLICT', message: 'log is gone that the backup needs' });
  expect(await repository.backups()).toHaveLength(1);
  expect(await repository.leftovers()).toEqual([]);
});
