import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { expect, test } from 'vitest';
import { openRepositories } from '../../src/ops/backup/index.ts';
import { openRepository, type RepositoryOptions } from '../../src/ops/backup/repository/index.ts';
import { localStorage } from '../../src/ops/backup/storage/index.ts';
import { testFolder } from '../support/folder.ts';
import { inPieces, whole } from '../support/streams.ts';
import { storedKeys } from '../../src/ops/backup/keys/stored-keys.ts';

const segment = (number: number): string => `00000001000000000000000${number}`;
const content = Buffer.from('log');

/** A repository in one folder, opened with other keys each time. */
function place() {
  const folder = testFolder();
  const storage = localStorage(folder);
  const open = (options: Omit<RepositoryOptions, 'storage'> = {}) => openRepository({ storage, ...options });
  const put = (number: number, options: Omit<RepositoryOptions, 'storage'> = {}) =>
    open(options).putWal(segment(number), inPieces(content, 3));
  const read = async (number: number, options: Omit<RepositoryOptions, 'storage'> = {}) => {
    const found = await open(options).readWal(segment(number));
    return found && String(await whole(found));
  };
  return { folder, storage, open, put, read };
}

test('a passphrase makes a key once; then whoever writes needs it no more, and whoever reads does', async () => {
  const { storage, put, read } = place();
  await put(1, { passphrase: 'correct horse' });
  await put(2);
  const [own, ...others] = await storedKeys(storage);
  expect(own).toMatchObject({ isUsed: true, isSealed: true });
  expect(others).toEqual([]);
  for (const number of [1, 2]) {
    expect(await read(number, { passphrase: 'correct horse' })).toBe('log');
    await expect(read(number)).rejects.toMatchObject({ code: 'E_BACKUP_KEY' });
    await expect(read(number, { passphrase: 'correct house' })).rejects.toMatchObject({
      code: 'E_BACKUP_KEY',
      message: `the passphrase is not that of ${storage.name}`,
    });
  }
  // Said before anything is written.
  await expect(put(3, { passphrase: 'correct house' })).rejects.toMatchObject({ code: 'E_BACKUP_KEY' });
  expect(await storedKeys(storage)).toEqual([own]);
});

test('a key that somebody put there is not used where others were named, nor where a passphrase has made one', async () => {
  const { storage, put, read } = place();
  const [mine, foreign] = await Promise.all([generateX25519Identity(), generateX25519Identity()]);
  await put(1, { passphrase: 'correct horse' });
  const record = JSON.stringify({ format: 1, recipient: await identityToRecipient(foreign), addedAt: new Date() });
  await storage.put(`keys/${await identityToRecipient(foreign)}.json`, inPieces(Buffer.from(record), 99));
  await put(2, { passphrase: 'correct horse' });
  await put(3, { recipients: [await identityToRecipient(mine)] });
  for (const number of [2, 3]) {
    await expect(read(number, { identities: [foreign] })).rejects.toMatchObject({ code: 'E_BACKUP_KEY' });
  }
  expect(await read(2, { passphrase: 'correct horse' })).toBe('log');
  expect(await read(3, { identities: [mine] })).toBe('log');
  await put(4);
  expect(await read(4, { identities: [foreign] })).toBe('log');
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
