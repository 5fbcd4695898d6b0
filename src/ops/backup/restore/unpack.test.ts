import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import tar, { type Header } from 'tar-stream';
import { expect, test } from 'vitest';
import { testFolder } from '../../../../test/support/folder.ts';
import type { ManifestFile } from '../repository/index.ts';
import { unpack, type Unpacked, type UnpackOptions } from './unpack.ts';

type Entry = Partial<Header> & Pick<Header, 'name'> & { content?: string };

async function archiveOf(entries: readonly Entry[]): Promise<Buffer> {
  const pack = tar.pack();
  for (const { content = '', ...header } of entries) pack.entry(header, content);
  pack.finalize();
  return buffer(pack);
}

const file = (name: string, content = 'content'): Entry => ({ name, content });
const manifestOf = (files: Record<string, string>): Map<string, ManifestFile> =>
  new Map(
    Object.entries(files).map(([path, content]) => [
      path,
      { bytes: Buffer.byteLength(content), sha256: createHash('sha256').update(content).digest('hex') },
    ]),
  );

/** Unpacks all that the manifest has into `into` in a folder. */
async function unpackInto(
  folder: string,
  archive: Buffer,
  options: Partial<UnpackOptions> & Pick<UnpackOptions, 'manifest'>,
): Promise<Unpacked> {
  const into = join(folder, 'into');
  mkdirSync(into, { recursive: true });
  const source = async function* () {
    yield archive;
  };
  return unpack(source(), {
    archive: 'base.tar',
    into,
    prefix: '',
    wants: (path) => options.manifest.has(path),
    serverVersion: 180_001,
    folders: true,
    ...options,
  });
}

test.each<[string, Entry[], string]>([
  ['a path upwards', [file('../file')], 'leads elsewhere'],
  ['a path upwards in the middle', [file('a/../../file')], 'leads elsewhere'],
  ['an absolute path', [file('/tmp/file')], 'leads elsewhere'],
  ['an absolute folder', [{ name: '/tmp/folder', type: 'directory' }], 'leads elsewhere'],
  ['a symbolic link', [{ name: 'file', type: 'symlink', linkname: '/etc/passwd' }], 'has a symlink in it'],
  ['a hard link', [{ name: 'file', type: 'link', linkname: '/etc/passwd' }], 'has a link in it'],
  ['a device', [{ name: 'file', type: 'character-device', devmajor: 1, devminor: 3 }], 'has a character-device'],
  ['a pipe', [{ name: 'file', type: 'fifo' }], 'has a fifo in it'],
  ['a file in the place of a tablespace', [file('pg_tblspc/16400/PG_18_1/file')], 'leads elsewhere'],
  ['a file twice', [file('file'), file('file')], 'not in the manifest'],
  ['a longer file than there was', [file('file', 'more content')], 'not in the manifest'],
  ['a file below another', [file('file'), file('file/below')], 'already exists'],
])('%s is refused, and nothing is outside of the folder', async (_what, entries, reason) => {
  const folder = testFolder();
  const names = entries.map(({ name }) => name);
  const manifest = manifestOf(Object.fromEntries([...names, 'file'].map((name) => [name, 'content'])));
  await expect(unpackInto(folder, await archiveOf(entries), { manifest })).rejects.toMatchObject({
    code: 'E_BACKUP_DAMAGED',
    detail: expect.stringContaining(reason),
  });
  expect(readdirSync(folder)).toEqual(['into']);
  if (reason === 'not in the manifest') expect(readdirSync(join(folder, 'into'))).toHaveLength(entries.length - 1);
});

test('a tablespace has the folder of its server only', async () => {
  const folder = testFolder();
  const prefix = 'pg_tblspc/16400/';
  const manifest = manifestOf({
    [`${prefix}PG_18_1/5/1`]: 'content',
    [`${prefix}PG_17_1/5/1`]: 'content',
    [`${prefix}other/1`]: 'content',
  });
  for (const name of ['PG_17_1/5/1', 'other/1']) {
    const archive = await archiveOf([file(name)]);
    await expect(unpackInto(folder, archive, { manifest, prefix })).rejects.toMatchObject({ code: 'E_BACKUP_DAMAGED' });
    expect(readdirSync(join(folder, 'into'))).toEqual([]);
  }
  const archive = await archiveOf([{ name: 'PG_18_1', type: 'directory' }, file('PG_18_1/5/1')]);
  await unpackInto(folder, archive, { manifest, prefix });
  expect(readFileSync(join(folder, 'into', 'PG_18_1', '5', '1'), 'utf8')).toBe('content');
});

test('a link that is there is neither followed nor written to', async () => {
  const folder = testFolder();
  mkdirSync(join(folder, 'into'));
  mkdirSync(join(folder, 'outside'));
  symlinkSync(join(folder, 'outside', 'file'), join(folder, 'into', 'file'));
  const manifest = manifestOf({ file: 'content' });
  const archive = await archiveOf([file('file')]);
  await expect(unpackInto(folder, archive, { manifest })).rejects.toMatchObject({ code: 'E_BACKUP_DAMAGED' });
  await unpackInto(folder, archive, { manifest, replace: true });
  expect(readFileSync(join(folder, 'into', 'file'), 'utf8')).toBe('content');
  expect(readdirSync(join(folder, 'outside'))).toEqual([]);
});

test('what is no archive, or half of one, is said to be damaged', async () => {
  const folder = testFolder();
  const manifest = manifestOf({ file: 'x'.repeat(4000) });
  const whole = await archiveOf([file('file', 'x'.repeat(4000))]);
  for (const archive of [whole.subarray(0, 2000), whole.subarray(0, 200), Buffer.alloc(4096, 'x')]) {
    const at = join(folder, String(archive.length));
    await expect(unpackInto(at, archive, { manifest })).rejects.toMatchObject({ code: 'E_BACKUP_DAMAGED' });
  }
  // What is not wanted, nobody looks at.
  await unpackInto(folder, whole, { manifest: manifestOf({}) });
  expect(existsSync(join(folder, 'into', 'file'))).toBe(false);
});
