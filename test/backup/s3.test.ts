import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PitcrewError } from '../../src/errors.ts';
import { openBucket, type S3Settings } from '../../src/ops/backup/storage/s3/bucket.ts';
import { s3Storage } from '../../src/ops/backup/storage/s3/s3-storage.ts';
import type { Storage } from '../../src/ops/backup/storage/types.ts';
import { type S3Server, s3Server } from '../support/s3/server.ts';
import { collected, inPieces, whole } from '../support/streams.ts';

let server: S3Server;
let storage: Storage;
let notices: string[];
const bytes = randomBytes(400_000);
const stop = new AsyncDisposableStack();

async function open(
  location = 's3://backups/shop',
  more: Partial<S3Settings> = {},
  silentMs?: number,
): Promise<Storage> {
  const settings = { endpoint: server.endpoint, region: 'us-east-1', pathStyle: true, ...server.key, ...more };
  const place = await openBucket(location, settings, silentMs);
  return s3Storage(place, {
    sizes: { bytes: 100_000, direct: 100, joined: 3 },
    onNotice: (text) => notices.push(text),
  });
}

beforeAll(async () => {
  server = stop.use(await s3Server());
  server.behaviour.smallestPart = 50_000;
});
afterAll(() => stop.disposeAsync());
beforeEach(async () => {
  server.heal();
  server.buckets.clear();
  server.buckets.set('backups', { files: new Map(), uploads: new Map() });
  server.behaviour.conditions = 'done';
  notices = [];
  storage = await open();
});

const put = (key: string, content = bytes, onlyNew = true): Promise<number> =>
  storage.put(key, inPieces(content, 30_000), { onlyNew });
const keys = async (): Promise<string[]> => (await collected(storage.list(''))).map(({ key }) => key);
const unfinished = (): number => server.buckets.get('backups')?.uploads.size ?? -1;

describe('what fails once is tried again', () => {
  test.each([
    ['PutObject', { status: 503, code: 'SlowDown' }],
    ['PutObject', 'lose answer'],
    ['PutObject', { cut: 'request', afterBytes: 10 }],
    ['UploadPart', { status: 500, code: 'InternalError' }],
    ['UploadPart', { cut: 'request', afterBytes: 70_000 }],
    ['CreateMultipartUpload', 'lose answer'],
    ['CompleteMultipartUpload', { status: 503, code: 'SlowDown' }],
    // It is there then, and the second attempt is told that it is, or that there is no such upload.
    ['CompleteMultipartUpload', 'lose answer'],
  ] as const)('%s: %j', async (operation, fault) => {
    server.fail(operation, fault);
    expect(await put('small', bytes.subarray(0, 5000))).toBe(5000);
    expect(await put('large')).toBe(bytes.length);
    expect((await whole(storage.get('large'))).equals(bytes)).toBe(true);
    expect(await keys()).toEqual(['large', 'small']);
    await expect(put('small')).rejects.toMatchObject({ code: 'E_CONFLICT' });
    await expect(put('large')).rejects.toMatchObject({ code: 'E_CONFLICT' });
    expect(notices).toEqual([]);
  });

  test('a read that is cut goes on where it was, and ends where it never comes further', async () => {
    await put('large');
    server.fail('GetObject', { cut: 'answer', afterBytes: 90_000 }, 3);
    expect((await whole(storage.get('large'))).equals(bytes)).toBe(true);
    server.fail('GetObject', { cut: 'answer', afterBytes: 90_000 }, 1);
    expect((await whole(storage.get('large', { from: 1000, to: 300_000 }))).equals(bytes.subarray(1000, 300_000))).toBe(
      true,
    );
    server.fail('GetObject', { cut: 'answer', afterBytes: 0 }, 1000);
    await expect(whole(storage.get('large'))).rejects.toMatchObject({ code: 'E_STORAGE' });
  });
});

test.each(['refused', 'ignored'] as const)(
  'a service where the condition is %s is told once, and asked before',
  async (conditions) => {
    server.behaviour.conditions = conditions;
    await put('a', bytes.subarray(0, 100));
    await put('b');
    for (const key of ['a', 'b']) await expect(put(key)).rejects.toMatchObject({ code: 'E_CONFLICT' });
    expect((await whole(storage.get('a'))).equals(bytes.subarray(0, 100))).toBe(true);
    expect(notices).toEqual([expect.stringContaining('s3://backups/shop: this service does not write on condition')]);
    expect(unfinished()).toBe(0);
  },
);

test('what a writer left unfinished is swept when it is old, and what is being written is not', async () => {
  const gate = Promise.withResolvers<void>();
  const slow = async function* () {
    yield bytes;
    await gate.promise;
    yield bytes;
  };
  const writing = storage.put('slow', slow());
  await expect.poll(() => server.log.filter((line) => line === 'UploadPart shop/slow')).toHaveLength(3);
  // Abandoned by a writer that was killed: it never comes to its end.
  const [upload] = server.buckets.get('backups')?.uploads.values() ?? [];
  if (!upload) throw new Error('nothing is being written');
  const old = new Date(Date.now() - 3_600_000);
  server.buckets.get('backups')?.uploads.set('old', { ...upload, key: 'shop/old', at: old, parts: new Map() });
  server.buckets.get('backups')?.uploads.set('foreign', { ...upload, key: 'other/old', at: old, parts: new Map() });
  upload.at = old;
  expect(await storage.sweep(new Date(Date.now() - 60_000))).toBe(1);
  gate.resolve();
  expect(await writing).toBe(2 * bytes.length);
  expect([...(server.buckets.get('backups')?.uploads.keys() ?? [])]).toEqual(['foreign']);
});

describe('what cannot go on is told, with what can be done', () => {
  const failure = async (work: Promise<unknown>): Promise<PitcrewError> =>
    work.then(
      () => {
        throw new Error('it did not fail');
      },
      (error: unknown) => error as PitcrewError,
    );

  test('wrong keys, without a word of them', async () => {
    storage = await open(undefined, { secretAccessKey: 'not the right secret' });
    const error = await failure(put('a'));
    expect(error).toMatchObject({ code: 'E_STORAGE', message: 's3://backups/shop does not let us' });
    expect(error.detail).toMatch(/^a: .*\(SignatureDoesNotMatch, 403\)$/);
    expect(error.hint).toBe('The keys are not those of the service, or have expired.');
    expect(JSON.stringify([error.message, error.detail, error.hint])).not.toContain('not the right secret');
    storage = await open(undefined, { accessKeyId: 'unknown' });
    expect((await failure(keys())).detail).toContain('InvalidAccessKeyId');
  });

  test('a bucket that is not there is not an empty one, nor one where an object is missing', async () => {
    storage = await open('s3://another/shop');
    for (const work of [
      () => put('a'),
      () => keys(),
      () => storage.head('a'),
      () => whole(storage.get('a')),
      () => storage.sweep(new Date()),
    ]) {
      const error = await failure(work());
      expect(error).toMatchObject({ code: 'E_STORAGE', hint: expect.stringContaining('Make the bucket first') });
      expect(error.detail).toContain('NoSuchBucket');
    }
  });

  test('a bucket that is taken away in the middle', async () => {
    const vanishing = async function* () {
      yield bytes;
      server.buckets.delete('backups');
      yield bytes;
    };
    expect(await failure(storage.put('a', vanishing()))).toMatchObject({
      code: 'E_STORAGE',
      detail: expect.stringContaining('NoSuchBucket'),
    });
  });

  test('no right, and a clock that is wrong', async () => {
    server.fail('PutObject', { status: 403, code: 'AccessDenied' });
    expect((await failure(put('a', bytes.subarray(0, 9), false))).hint).toContain('s3:PutObject');
    server.fail('PutObject', { status: 403, code: 'RequestTimeTooSkewed' }, 10);
    expect((await failure(put('a', bytes.subarray(0, 9), false))).hint).toContain('clock');
  });

  test('a peer that hangs, and one that is not there', async () => {
    storage = await open(undefined, {}, 300);
    server.fail('ListObjectsV2', 'hang', 10);
    expect(await failure(keys())).toMatchObject({ code: 'E_STORAGE', message: 's3://backups/shop cannot be reached' });
    storage = await open(undefined, { endpoint: 'http://127.0.0.1:1' });
    expect((await failure(keys())).hint).toBe('Nothing answers there: look at the endpoint.');
  });

  test.each(['s3://', 's3://A', 's3://bucket/../up', 'ftp://host/path', 's3://b'])(
    '%s is no bucket',
    async (location) => {
      expect(await failure(open(location))).toMatchObject({ code: 'E_CONFIG' });
    },
  );

  test('half a pair of keys', async () => {
    expect(await failure(open(undefined, { secretAccessKey: undefined }))).toMatchObject({ code: 'E_CONFIG' });
  });
});
