import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { expect, test } from 'vitest';
import { openRepositories } from '../../src/ops/backup/index.ts';
import { type StoredKey, storedKeys } from '../../src/ops/backup/keys/index.ts';
import { openRepository, type RepositoryOptions } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { command } from '../support/command.ts';
import { testFolder } from '../support/folder.ts';
import { inPieces, whole } from '../support/streams.ts';

const segment = (number: number): string => `00000001000000000000000${number}`;
const content = Buffer.from('log');

/** A repository in one folder, opened with other keys each time. */
function place() {
  const folder = join(testFolder(), 'repository');
  const storage = localStorage(folder);
  const open = (options: Omit<RepositoryOptions, 'storage'> = {}) => openRepository({ storage, ...options });
  const put = (number: number, options: Omit<RepositoryOptions, 'storage'> = {}) =>
    open(options).putWal(segment(number), inPieces(content, 3));
  const read = async (number: number, repository = open()) => {
    const found = await repository.readWal(segment(number));
    return found && String(await whole(found));
  };
  return { folder, storage, open, put, read };
}

test('a passphrase makes a key once; then whoever writes needs it no more, and whoever reads does', async () => {
  const { storage, open, put, read } = place();
  await put(1, { passphrase: 'correct horse' });
  await put(2);
  const [own, ...others] = await storedKeys(storage);
  expect(own).toMatchObject({ isUsed: true, isSealed: true });
  expect(others).toEqual([]);
  const reader = open({ passphrase: 'correct horse' });
  for (const number of [1, 2]) {
    expect(await read(number, reader)).toBe('log');
    await expect(read(number)).rejects.toMatchObject({ code: 'E_BACKUP_KEY' });
  }
  await expect(read(1, open({ passphrase: 'correct house' }))).rejects.toMatchObject({
    code: 'E_BACKUP_KEY',
    message: `the passphrase is not that of ${storage.name}`,
  });
  // Said before anything is written.
  await expect(put(3, { passphrase: 'correct house' })).rejects.toMatchObject({ code: 'E_BACKUP_KEY' });
  expect(await storedKeys(storage)).toEqual([own]);
});

test('keys come and go; what was stored before is read with those of then', async () => {
  const { folder, storage, open, put, read } = place();
  const [mine, another] = await Promise.all([generateX25519Identity(), generateX25519Identity()]);
  const [recipient, other] = await Promise.all([identityToRecipient(mine), identityToRecipient(another)]);
  const key = (...args: string[]) => command(['backup', 'key', ...args, '--repository', folder]);
  const file = (name: string, text: string): string => {
    writeFileSync(join(dirname(folder), name), text);
    return join(dirname(folder), name);
  };
  const passphrase = ['--passphrase-file', file('passphrase', 'correct horse\n')];
  expect(await key('add', ...passphrase)).toMatchObject({ code: 0 });
  expect(await key('add', recipient)).toMatchObject({ code: 0 });
  expect(await key('add', `${recipient.slice(0, -1)}${recipient.endsWith('q') ? 'p' : 'q'}`)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('is no public key of age'),
  });
  await put(1);
  const [own = ''] = (await storedKeys(storage)).filter(({ isSealed }) => isSealed).map((each) => each.recipient);
  expect(await key('rotate', ...passphrase)).toMatchObject({ code: 0 });
  expect(await key('remove', recipient)).toMatchObject({ code: 0 });
  await put(2);
  // Named on a command line, it stands alone: who can write there has no say.
  await put(3, { recipients: [other] });
  const next = file('next', 'battery staple\n');
  expect(await key('passphrase', ...passphrase, '--new-passphrase-file', next)).toMatchObject({ code: 0 });
  const reader = open({ passphrase: 'battery staple' });
  for (const number of [1, 2]) expect(await read(number, reader)).toBe('log');
  await expect(read(1, open({ passphrase: 'correct horse' }))).rejects.toMatchObject({ code: 'E_BACKUP_KEY' });
  await expect(read(3, reader)).rejects.toMatchObject({ code: 'E_BACKUP_KEY' });
  expect(await read(1, open({ identities: [mine] }))).toBe('log');
  await expect(read(2, open({ identities: [mine] }))).rejects.toMatchObject({ code: 'E_BACKUP_KEY' });
  expect(await read(3, open({ identities: [another] }))).toBe('log');
  const { repositories } = JSON.parse((await key('list', '--json')).stdout) as {
    repositories: { keys: StoredKey[] }[];
  };
  const [used, ...more] = (repositories[0]?.keys ?? []).filter(({ isUsed }) => isUsed);
  expect(more).toEqual([]);
  expect(repositories[0]?.keys).toContainEqual({ recipient: own, isUsed: false, isSealed: true });
  expect(await key('remove', used?.recipient ?? '')).toMatchObject({ code: 4 });
  expect(await key('remove', used?.recipient ?? '', '--yes')).toMatchObject({ code: 0 });
  await put(4);
  expect(await read(4)).toBe('log');
});

test('settings are opened in their order, and files that are missing or empty are said', async () => {
  const folder = testFolder();
  const identityFile = join(folder, 'key');
  writeFileSync(identityFile, `# a comment\n${await generateX25519Identity()}\n`);
  writeFileSync(join(folder, 'empty'), '\n');
  const s3 = { region: 'us-east-1', pathStyle: false };
  const at = (name: string, more: object = {}) => ({ location: join(folder, name), recipients: [], s3, ...more });
  const opened = await openRepositories({ repositories: [at('a', { identityFile }), at('b')] });
  expect(opened.map(({ name }) => name)).toEqual([join(folder, 'a'), join(folder, 'b')]);
  for (const [more, message] of [
    [{ identityFile: join(folder, 'none') }, 'the file with the secret keys cannot be read'],
    [{ identityFile: join(folder, 'empty') }, `${join(folder, 'empty')} has no secret key of age in it`],
    [{ passphraseFile: join(folder, 'none') }, 'the file with the passphrase cannot be read'],
    [{ passphraseFile: join(folder, 'empty') }, `${join(folder, 'empty')} has no passphrase in it`],
  ] as const) {
    const opening = openRepositories({ repositories: [at('a', more)] });
    await expect(opening).rejects.toMatchObject({ code: 'E_BACKUP_KEY', message });
  }
  await expect(openRepositories({ repositories: [{ ...at('a'), location: 'ftp://host/path' }] })).rejects.toMatchObject(
    {
      code: 'E_CONFIG',
    },
  );
});
