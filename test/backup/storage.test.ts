import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { localStorage } from '../../src/ops/backup/storage/local.ts';
import { openBucket } from '../../src/ops/backup/storage/s3/bucket.ts';
import type { PartSizes } from '../../src/ops/backup/storage/s3/multipart.ts';
import { s3Storage } from '../../src/ops/backup/storage/s3/s3-storage.ts';
import type { Storage } from '../../src/ops/backup/storage/types.ts';
import { testFolder } from '../support/folder.ts';
import { s3Server, type S3Server } from '../support/s3/server.ts';
import { describeStorage, keysOf, of } from '../support/storage-contract.ts';

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

for (const [name, open] of kinds) describeStorage(name, open);

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
