import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { localStorage } from '../../src/ops/backup/storage/local.ts';
import { openBucket } from '../../src/ops/backup/storage/s3/bucket.ts';
import type { PartSizes } from '../../src/ops/backup/storage/s3/multipart.ts';
import { s3Storage } from '../../src/ops/backup/storage/s3/s3-storage.ts';
import type { Storage } from '../../src/ops/backup/storage/types.ts';
import { testFolder } from '../support/folder.ts';
import { s3Server, type S3Server } from '../support/s3/server.ts';
import { collected, whole } from '../support/streams.ts';

const keysOf = async (storage: Storage, prefix = ''): Promise<string[]> =>
  (await collected(storage.list(prefix))).map(({ key }) => key);

async function* of(...pieces: (string | Buffer)[]) {
  for (const piece of pieces) yield Buffer.from(piece);
}

async function* broken() {
  yield Buffer.alloc(1_000_000);
  throw new Error('the source broke');
}

function run(program: string, args: string[]): void {
  execFileSync(program, args, { stdio: 'ignore' });
}

let server: S3Server;
beforeAll(async () => {
  server = await s3Server('backups');
  // Parts and pages of a size that tests reach.
  Object.assign(server.behaviour, { smallestPart: 50_000, pageSize: 3 });
});
afterAll(() => server[Symbol.asyncDispose]());

let prefixes = 0;
/** A new prefix of the bucket. Above four parts come joined ones. */
async function bucketStorage(sizes: PartSizes): Promise<Storage> {
  prefixes += 1;
  const settings = { endpoint: server.endpoint, region: 'us-east-1', pathStyle: true, ...server.key };
  return s3Storage(await openBucket(`s3://backups/of/test-${prefixes}`, settings), { sizes });
}

/** Every kind of storage, empty. */
const kinds: [string, () => Storage | Promise<Storage>][] = [
  ['a folder', () => localStorage(join(testFolder(), 'made', 'when needed'))],
  ['a bucket', () => bucketStorage({ bytes: 50_000, direct: 4, joined: 3 })],
  ['a bucket, small objects', () => bucketStorage({ bytes: 8_000_000, direct: 4, joined: 3 })],
];

describe.each(kinds)('a storage: %s', (_, open) => {
  test('gives back what it was given, whole and in parts', async () => {
    const storage = await open();
    const bytes = randomBytes(700_000);
    expect(await storage.put('a/b/c.tar', of(bytes.subarray(0, 10), bytes.subarray(10)))).toBe(700_000);
    expect((await whole(storage.get('a/b/c.tar'))).equals(bytes)).toBe(true);
    await fc.assert(
      fc.asyncProperty(fc.nat(700_010), fc.nat(700_010), async (from, to) => {
        expect(
          (await whole(storage.get('a/b/c.tar', { from, to }))).equals(bytes.subarray(from, Math.max(from, to))),
        ).toBe(true);
      }),
      { numRuns: 20 },
    );
    expect((await whole(storage.get('a/b/c.tar', { from: 699_990 }))).equals(bytes.subarray(699_990))).toBe(true);
    const taken: Buffer[] = [];
    for await (const piece of storage.get('a/b/c.tar', { from: 5, to: 800_000, reuse: true }))
      taken.push(Buffer.from(piece));
    expect(Buffer.concat(taken).equals(bytes.subarray(5))).toBe(true);
    expect(await storage.head('a/b/c.tar')).toMatchObject({ key: 'a/b/c.tar', bytes: 700_000 });
    expect(await storage.put('a/b/c.tar', of('other'))).toBe(5);
    expect(String(await whole(storage.get('a/b/c.tar')))).toBe('other');
    expect(await storage.put('empty', of())).toBe(0);
    expect(await whole(storage.get('empty'))).toHaveLength(0);
    await storage.close();
  });

  test('lists by the bytes of the keys, below a prefix that may end anywhere', async () => {
    const storage = await open();
    // Files have the time of the system's last tick, objects that of a second.
    const begun = Date.now() - 2000;
    expect(await keysOf(storage)).toEqual([]);
    const keys = ['a/b', 'a/b.c', 'a/b-c/d', 'a/bb/c', 'a.b', 'b', 'a/B', 'ab'];
    for (const key of keys) await storage.put(key, of(key));
    expect(await keysOf(storage)).toEqual(keys.toSorted((x, y) => (x < y ? -1 : 1)));
    for (const prefix of ['a', 'a/', 'a/b', 'a/b-', 'a/bb/', 'c', 'a/b/'])
      expect(await keysOf(storage, prefix)).toEqual(keys.toSorted().filter((key) => key.startsWith(prefix)));
    const [first] = await collected(storage.list('b'));
    expect(first?.modifiedAt.getTime()).toBeGreaterThan(begun);
    expect(first?.modifiedAt.getTime()).toBeLessThanOrEqual(Date.now());
    await storage.close();
  });

  test('what is not there is said, and may be deleted', async () => {
    const storage = await open();
    await expect(whole(storage.get('not/there'))).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    expect(await storage.head('not/there')).toBeUndefined();
    await storage.delete('not/there');
    await storage.put('is/there', of('x'));
    expect(await storage.head('is')).toBeUndefined();
    await storage.delete('is/there');
    await storage.delete('is/there');
    expect(await keysOf(storage)).toEqual([]);
    await storage.close();
  });

  test('of an unfinished object nothing is seen', async () => {
    const storage = await open();
    await storage.put('kept', of('before'));
    await expect(storage.put('kept', broken())).rejects.toThrow('the source broke');
    await expect(storage.put('new', broken())).rejects.toThrow('the source broke');
    const stop = new AbortController();
    const endless = async function* () {
      for (;;) {
        yield Buffer.alloc(100_000);
        await new Promise(setImmediate);
        stop.abort();
      }
    };
    await expect(storage.put('new', endless(), { signal: stop.signal })).rejects.toMatchObject({ code: 'E_ABORTED' });
    expect(await keysOf(storage)).toEqual(['kept']);
    expect(String(await whole(storage.get('kept')))).toBe('before');
    await storage.close();
  });

  test('of many who write a new object at once, one does', async () => {
    const storage = await open();
    const writers = Array.from({ length: 10 }, (_each, number) =>
      storage.put('one/and/only', of(`by ${number}`), { onlyNew: true }).then(() => `by ${number}`),
    );
    const answers = await Promise.allSettled(writers);
    const done = answers.filter((answer) => answer.status === 'fulfilled');
    expect(done).toHaveLength(1);
    for (const answer of answers)
      if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ code: 'E_CONFLICT' });
    expect(String(await whole(storage.get('one/and/only')))).toBe(done[0]?.value);
    await storage.close();
  });

  test('objects come and go beside each other', async () => {
    const storage = await open();
    await Promise.all(
      Array.from({ length: 8 }, async (_each, writer) => {
        for (let turn = 0; turn < 10; turn += 1) {
          await storage.put(`shared/folder/${writer}`, of(`${turn}`));
          if (turn < 9) await storage.delete(`shared/folder/${writer}`);
        }
      }),
    );
    expect(await keysOf(storage)).toHaveLength(8);
    await storage.close();
  });

  test.each([
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '../a',
    'a/../b',
    '.',
    '.hidden',
    'a/.b',
    'a\0b',
    'a b',
    'ä',
    'a\\b',
    'a'.repeat(300),
  ])('%j is no key', async (key) => {
    const storage = await open();
    await expect(storage.put(key, of('x'))).rejects.toMatchObject({ code: 'E_BAD_REQUEST' });
    await expect(whole(storage.get(key))).rejects.toMatchObject({ code: 'E_BAD_REQUEST' });
    await expect(storage.head(key)).rejects.toMatchObject({ code: 'E_BAD_REQUEST' });
    await expect(storage.delete(key)).rejects.toMatchObject({ code: 'E_BAD_REQUEST' });
    await storage.close();
  });
});

describe('a folder', () => {
  const parts = (folder: string): string[] => readdirSync(join(folder, '.unfinished'));

  test('what a killed writer left is not seen, and is swept; what another one writes is when it is old', async () => {
    const folder = testFolder();
    const storage = localStorage(folder);
    await storage.put('kept', of('x'));
    const code = `
      import { localStorage } from ${JSON.stringify(join(import.meta.dirname, '../../src/ops/backup/storage/local.ts'))};
      const source = async function* () {
        yield Buffer.alloc(1_000_000);
        process.kill(process.pid, 'SIGKILL');
        await new Promise(() => {});
      };
      await localStorage(${JSON.stringify(folder)}).put('killed', source());`;
    const ran = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', code]);
    expect(ran.signal).toBe('SIGKILL');
    expect(await keysOf(storage)).toEqual(['kept']);
    expect(parts(folder)).toHaveLength(1);
    const writing = Promise.withResolvers<void>();
    const slow = async function* () {
      yield Buffer.alloc(1000);
      await writing.promise;
    };
    const written = storage.put('written', slow());
    await expect.poll(() => parts(folder)).toHaveLength(2);
    expect(await storage.sweep(new Date(Date.now() - 3_600_000))).toBe(1);
    writing.resolve();
    expect(await written).toBe(1000);
    writeFileSync(join(folder, '.unfinished', 'of another machine.part'), '');
    expect(await storage.sweep(new Date(Date.now() - 3_600_000))).toBe(0);
    utimesSync(join(folder, '.unfinished', 'of another machine.part'), 0, 0);
    expect(await storage.sweep(new Date(Date.now() - 3_600_000))).toBe(1);
    expect(parts(folder)).toEqual([]);
  });

  test('is made for its owner only, and so are the files', async () => {
    const folder = join(testFolder(), 'made');
    await localStorage(folder).put('a/b', of('x'));
    for (const path of [folder, join(folder, 'a')]) expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'a/b')).mode & 0o777).toBe(0o600);
  });

  test('what stands in the way is said', async () => {
    const folder = testFolder();
    writeFileSync(join(folder, 'file'), 'x');
    await expect(localStorage(join(folder, 'file')).put('a', of('x'))).rejects.toMatchObject({
      code: 'E_STORAGE',
      message: `${join(folder, 'file')} cannot be used`,
    });
    // Nobody, root neither, may make anything in there.
    await expect(localStorage('/proc/1').put('a', of('x'))).rejects.toMatchObject({ code: 'E_STORAGE' });
  });

  test.skipIf(process.getuid?.() !== 0)(
    'a full disk leaves nothing behind (only root may mount a small one)',
    async () => {
      const folder = testFolder();
      run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
      try {
        const storage = localStorage(folder);
        await storage.put('fits', of(Buffer.alloc(300_000)));
        await expect(storage.put('fits', of(Buffer.alloc(500_000), Buffer.alloc(500_000)))).rejects.toMatchObject({
          code: 'E_STORAGE',
          message: `there is no room left in ${folder}`,
        });
        expect(parts(folder)).toEqual([]);
        expect(await storage.head('fits')).toMatchObject({ bytes: 300_000 });
      } finally {
        run('umount', [folder]);
      }
    },
  );
});
