import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PitcrewError } from '../../src/errors.ts';
import { openBucket, type S3Settings } from '../../src/ops/backup/storage/s3/bucket.ts';
import { s3Storage } from '../../src/ops/backup/storage/s3/s3-storage.ts';
import type { Storage } from '../../src/ops/backup/storage/types.ts';
import { describeStorage, keysOf, of } from '../support/storage-contract.ts';
import { whole } from '../support/streams.ts';
import { findSwift, startSwift, type Swift } from '../support/swift/swift.ts';

const swift = findSwift();
const title = `OpenStack Swift${'missing' in swift ? ` (${swift.missing})` : ` ${swift.version}`}`;

describe.skipIf('missing' in swift)(title, () => {
  let server: Swift;
  const stop = new AsyncDisposableStack();
  beforeAll(async () => (server = stop.use(await startSwift(50_000, 'backups'))), 60_000);
  afterAll(() => stop.disposeAsync());

  let prefixes = 0;
  let notices: string[];
  /** A new prefix of the bucket. Above four parts come joined ones. */
  async function open(): Promise<Storage> {
    prefixes += 1;
    notices = [];
    const place = await openBucket(`s3://backups/of/test-${prefixes}`, server.settings);
    const sizes = { bytes: 50_000, direct: 4, joined: 3 };
    return s3Storage(place, { sizes, onNotice: (text) => notices.push(text) });
  }

  describeStorage('a bucket of it', open, false);

  test('what is there stays, and that it takes no note of the condition is told once', async () => {
    const storage = await open();
    const large = randomBytes(120_000);
    expect(await storage.put('small', of('first'), { onlyNew: true })).toBe(5);
    expect(await storage.put('large', of(large), { onlyNew: true })).toBe(large.length);
    for (const [key, content] of [
      ['small', of('second')],
      ['large', of(randomBytes(120_000))],
    ] as const)
      await expect(storage.put(key, content, { onlyNew: true })).rejects.toMatchObject({ code: 'E_CONFLICT' });
    expect(String(await whole(storage.get('small')))).toBe('first');
    expect((await whole(storage.get('large'))).equals(large)).toBe(true);
    expect(notices).toEqual([expect.stringContaining('does not write on condition that nothing is there')]);
    await storage.close();
  });

  test('what killed writers left is swept, once it is old', async () => {
    const storage = await open();
    const { sdk, client, bucket } = await openBucket('s3://backups', server.settings);
    const left = { Bucket: bucket, Key: `of/test-${prefixes}/left` };
    const { UploadId } = await client.send(new sdk.CreateMultipartUploadCommand(left));
    await client.send(new sdk.UploadPartCommand({ ...left, UploadId, PartNumber: 1, Body: randomBytes(60_000) }));
    expect(await keysOf(storage)).toEqual([]);
    expect(await storage.sweep(new Date(Date.now() - 60_000))).toBe(0);
    expect(await storage.sweep(new Date(Date.now() + 60_000))).toBe(1);
    const uploads = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: left.Key }));
    expect(uploads.Uploads ?? []).toEqual([]);
    client.destroy();
    await storage.close();
  });

  test('a wrong key and a bucket that is not there are said', async () => {
    const refused = async (location: string, more: Partial<S3Settings>): Promise<string> => {
      const storage = s3Storage(await openBucket(location, { ...server.settings, ...more }));
      const error = (await whole(storage.get('a')).catch((reason: unknown) => reason)) as PitcrewError;
      await storage.close();
      return `${error.code}: ${error.message} ${error.detail} ${error.hint}`;
    };
    expect(await refused('s3://backups', { secretAccessKey: 'another' })).toMatch(
      /^E_STORAGE: s3:\/\/backups does not let us .*SignatureDoesNotMatch, 403.*keys are not those of the service/s,
    );
    expect(await refused('s3://nowhere', {})).toMatch(/^E_STORAGE: s3:\/\/nowhere is not there .*NoSuchBucket/s);
  });
});
