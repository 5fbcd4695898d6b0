import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { expect, test } from 'vitest';
import { createBackup, drill, planRestore } from '../../src/ops/backup/index.ts';
import { addKeys, changePassphrase, makeKey, removeKey } from '../../src/ops/backup/keys/index.ts';
import { openRepository, type RepositoryOptions } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { session } from '../support/catalog.ts';
import { pitcrew } from '../support/command.ts';
import { temporaryFolder } from '../support/folder.ts';
import { scratchServer } from '../support/postgres.ts';

test('of a chain whose members are for different keys, it is said which needs which, before work starts', async () => {
  await using folder = temporaryFolder();
  await using server = await scratchServer(18, { wal_level: 'replica', summarize_wal: 'on' });
  await using client = await session(server.url());
  const path = join(folder.path, 'repository');
  const to = join(folder.path, 'restored');
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder.path, name), `${text}\n`, { mode: 0o600 });
    return join(folder.path, name);
  };
  const next = file('next', 'battery staple');
  const secret = await generateX25519Identity();
  const own = await identityToRecipient(secret);
  const storage = localStorage(path);
  const opened = (options: Omit<RepositoryOptions, 'storage'>) => openRepository({ storage, ...options });
  const backUp = async (type: 'full' | 'incremental') => {
    await client.query('SELECT pg_switch_wal()');
    return createBackup({ url: server.url(), repository: opened({}), madeBy: 'a test', type });
  };

  // One key each: of the old passphrase, of the new one, and one that is nowhere in the repository.
  const { recipient: first } = await makeKey(storage, 'correct horse');
  const full = await backUp('full');
  const { recipient: second } = await makeKey(storage, 'battery staple');
  await removeKey(storage, first, { evenLast: false });
  const middle = await backUp('incremental');
  await addKeys(storage, [own]);
  await removeKey(storage, second, { evenLast: false });
  const last = await backUp('incremental');
  expect([full, middle, last].map(({ recipients }) => recipients)).toEqual([[first], [second], [own]]);

  const against = async (options: Omit<RepositoryOptions, 'storage'>) =>
    (await planRestore({ repository: opened(options), backup: last, to })).obstacles;
  const [obstacle, ...others] = await against({ passphrase: 'battery staple' });
  expect(others).toEqual([]);
  expect(obstacle).toMatchObject({
    code: 'E_BACKUP_KEY',
    message: '2 of the 3 backups that are needed cannot be opened with the keys that are given',
    detail: expect.stringContaining(
      `${full.id} needs the secret key of ${first} (opened by its own passphrase); ${last.id} needs the secret key of ${own}; `,
    ),
    hint: expect.stringContaining('"pitcrew backup key passphrase" has one open the keys of another'),
  });
  expect(obstacle?.detail).toContain('segments of the log that cannot be opened');
  expect(obstacle?.detail).not.toContain(middle.id);
  expect(await against({ identities: [secret] })).toMatchObject([
    { message: expect.stringMatching(/^2 of the 3/), detail: expect.stringContaining(`${middle.id} needs`) },
  ]);
  expect(await against({})).toMatchObject([{ message: expect.stringMatching(/^3 of the 3 .* without a key$/) }]);
  await expect(drill({ repository: opened({ passphrase: 'battery staple' }), backup: last })).rejects.toMatchObject({
    code: 'E_BACKUP_KEY',
    message: expect.stringMatching(/^2 of the 3/),
  });
  const asked = await pitcrew([
    'restore',
    last.id,
    '--repository',
    path,
    '--passphrase-file',
    next,
    '--to',
    to,
    '--dry-run',
  ]);
  expect(asked.code).not.toBe(0);
  expect(asked.stderr).toContain(`${full.id} needs the secret key of ${first}`);

  // As it was hinted: one passphrase for both, and the file with the third.
  expect(await changePassphrase(storage, 'correct horse', 'battery staple')).toBe(1);
  expect(await against({ passphrase: 'battery staple', identities: [secret] })).toEqual([]);
}, 240_000);
