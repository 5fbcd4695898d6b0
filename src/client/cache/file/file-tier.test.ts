import { execFile } from 'node:child_process';
import { copyFile, mkdir, readdir, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FullDiskOutcome } from '../../../../test/support/full-disk-child.ts';
import { temporaryFolder, testFolder } from '../../../../test/support/folder.ts';
import { cacheTierCases, type TierStore } from '../../../testing/index.ts';
import { fileTier } from './index.ts';
import { entryPath, layoutOf } from './layout.ts';

function startStore(): TierStore {
  const parent = temporaryFolder();
  const folder = join(parent.path, 'cache');
  return {
    open: () => fileTier({ folder, pollMs: 10 }),
    damage: (key) => writeFile(entryPath(layoutOf(folder), key), 'something else'),
    forget: () => rm(join(folder, 'journal')),
    async breakDown() {
      await rename(folder, `${folder}.away`);
      // Not just missing: it would be made again.
      await writeFile(folder, '');
    },
    async mend() {
      await rm(folder);
      await rename(`${folder}.away`, folder);
    },
    stop: async () => parent[Symbol.asyncDispose](),
  };
}

describe('conformance', () => {
  for (const { name, run } of cacheTierCases(startStore)) test(name, run);
});

describe('a folder', () => {
  const entryOf = (value: unknown) => {
    const now = Date.now();
    return { value, tags: [], createdAt: now, freshUntil: now + 60_000, keptUntil: now + 60_000, loadMs: 0 };
  };

  test('of another key, too large, or not a file at all is a miss', async () => {
    const folder = testFolder();
    const tier = fileTier({ folder, maxBytes: 1024 ** 2 });
    onTestFinished(() => tier.close());
    const path = (key: string) => entryPath(layoutOf(folder), key);
    for (const key of ['a', 'b', 'c', 'd']) expect(await tier.set(key, entryOf(key), tier.position())).toBe(true);
    await copyFile(path('a'), path('b'));
    await truncate(path('c'), 1024 ** 3);
    await rm(path('d'));
    await mkdir(path('d'));
    const found = await tier.getMany(['a', 'b', 'c', 'd']);
    expect([...found.keys()]).toEqual(['a']);
    expect(tier.stats().unreadable).toBe(3);
    for (const key of ['b', 'c']) {
      expect(await tier.set(key, entryOf('anew'), tier.position())).toBe(true);
      expect((await tier.get(key))?.value).toBe('anew');
    }
  });

  test('that cannot be used yet, or any more, is an error of the calls only', async () => {
    const folder = join(testFolder(), 'deep', 'down');
    await mkdir(dirname(folder));
    await writeFile(folder, '');
    const tier = fileTier({ folder });
    onTestFinished(() => tier.close());
    expect(tier.position()).toEqual({ epoch: '', at: 0 });
    await expect(tier.get('key')).rejects.toMatchObject({
      code: 'E_CACHE_TIER',
      detail: expect.stringMatching(/deep.down/),
    });
    await rm(folder);
    expect(await tier.get('key')).toBeUndefined();
    expect(await tier.set('key', entryOf(1), tier.position())).toBe(true);
    expect((await tier.get('key'))?.value).toBe(1);
    expect((await stat(folder)).mode & 0o777, 'for nobody else').toBe(0o700);
    // Deleted as a whole: it is made again.
    await rm(dirname(folder), { recursive: true, maxRetries: 10 });
    expect(await tier.get('key')).toBeUndefined();
    expect(await tier.set('key', entryOf(2), tier.position())).toBe(true);
    expect((await tier.get('key'))?.value).toBe(2);
    await tier.close();
    await expect(tier.get('key')).rejects.toMatchObject({ code: 'E_CACHE_TIER' });
  });

  test('on a full disk: entries are refused, invalidations are not lost', async () => {
    const folder = testFolder();
    const child = join(import.meta.dirname, '../../../../test/support/full-disk-child.ts');
    // No file may grow beyond 4 KiB: what a full disk says, of one process.
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      'ulimit -f 8; exec "$0" "$@"',
      process.execPath,
      child,
      folder,
    ]);
    const expected: FullDiskOutcome = {
      small: true,
      large: 'E_CACHE_TIER',
      ofSmall: 1,
      invalidated: 'done',
      after: null,
    };
    expect(JSON.parse(stdout)).toEqual(expected);
    expect(await readdir(join(folder, 'temporary'))).toEqual([]);
    const tier = fileTier({ folder });
    onTestFinished(() => tier.close());
    expect(await tier.get('small')).toBeUndefined();
    expect(await tier.set('large', entryOf(Buffer.alloc(1000)), tier.position())).toBe(true);
  });

  test('must be named, and limits must be numbers', () => {
    expect(() => fileTier({ folder: '' })).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
    for (const maxBytes of [0, -1, Number.NaN]) {
      expect(() => fileTier({ folder: 'x', maxBytes })).toThrow(expect.objectContaining({ code: 'E_CONFIG' }));
    }
  });

  test('takes what cannot be stored for kept, and does not keep it', async () => {
    const tier = fileTier({ folder: testFolder(), maxValueBytes: 100 });
    onTestFinished(() => tier.close());
    expect(await tier.set('key', entryOf('x'.repeat(200)), tier.position())).toBe(true);
    expect(await tier.get('key')).toBeUndefined();
  });
});
