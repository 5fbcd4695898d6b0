import type { Buffer } from 'node:buffer';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { type Bucket, keyIn } from './bucket.ts';
import type { Finish } from './finish.ts';
import { writtenBy } from './look.ts';
import { firstOf, type TakePart } from './parts.ts';

/** How an object is cut. */
export interface PartSizes {
  /** Of a part; S3 wants 5 MiB at least. */
  bytes: number;
  /** So many parts are sent as they are. What comes behind them is put together to larger ones, because an object may have 10,000. */
  direct: number;
  /** So many are put together to a larger one, which may have 5 GiB. */
  joined: number;
}

/**
 * 4,000 parts of 8 MiB and 6,000 of 1 GiB: 5.8 TiB, more than an object of S3 may have. Two are under way at most while a third is filled, which makes
 * 24 MiB of memory.
 */
export const usualSizes: PartSizes = { bytes: 8 * 1024 * 1024, direct: 4000, joined: 128 };
const mostUnderWay = 2;

export interface UploadOptions {
  key: string;
  sizes: PartSizes;
  /** By which its writer knows it again. */
  writer: string;
  onlyNew: boolean;
  signal: AbortSignal | undefined;
  finish: Finish;
  /** Is told when a part's memory is not needed any more. */
  release(part: Buffer): void;
}

/** Stores what comes as one object, in parts. What does not come to its end is given up, and never seen. @returns its length in bytes */
export async function upload(place: Bucket, take: TakePart, options: UploadOptions): Promise<number> {
  const { sdk, client, bucket } = place;
  const { key, sizes, writer, signal, finish } = options;
  const send = signal ? { abortSignal: signal } : {};
  const target = keyIn(place, key);
  const create = new sdk.CreateMultipartUploadCommand({ ...target, ...writtenBy(writer), ChecksumAlgorithm: 'CRC32' });
  const { UploadId } = await client.send(create, send);
  const done: CompletedPart[] = [];
  const underWay = new Set<Promise<void>>();
  let bytes = 0;

  async function sendPart(number: number, body: Buffer): Promise<void> {
    const part = { ...target, UploadId, PartNumber: number };
    const answer = await client.send(
      new sdk.UploadPartCommand({ ...part, Body: body, ChecksumAlgorithm: 'CRC32' }),
      send,
    );
    done[number - 1] = { PartNumber: number, ETag: answer.ETag, ChecksumCRC32: answer.ChecksumCRC32 };
    bytes += body.length;
    options.release(body);
  }

  /** As an object of its own, which the service then copies. */
  async function sendJoined(number: number, first: Buffer): Promise<void> {
    const own = `${key}.part${number}`;
    const few = firstOf([first], take, sizes.joined);
    try {
      const length = await upload(place, few, {
        ...options,
        key: own,
        onlyNew: false,
        sizes: { ...sizes, direct: Infinity },
      });
      const part = { ...target, UploadId, PartNumber: number };
      const { CopyPartResult: copied } = await client.send(
        new sdk.UploadPartCopyCommand({
          ...part,
          CopySource: `${bucket}/${keyIn(place, own).Key.split('/').map(encodeURIComponent).join('/')}`,
        }),
        send,
      );
      done[number - 1] = { PartNumber: number, ETag: copied?.ETag, ChecksumCRC32: copied?.ChecksumCRC32 };
      bytes += length;
    } finally {
      // What stays is below the same prefix, and goes with the rest of what did not become complete.
      await client.send(new sdk.DeleteObjectCommand(keyIn(place, own))).catch(() => {});
    }
  }

  try {
    for (let number = 1; ; number += 1) {
      const part = await take();
      if (part === undefined) break;
      if (number > sizes.direct) {
        await sendJoined(number, part);
        continue;
      }
      const sending = sendPart(number, part).finally(() => underWay.delete(sending));
      sending.catch(() => {});
      underWay.add(sending);
      if (underWay.size >= mostUnderWay) await Promise.race(underWay);
    }
    await Promise.all(underWay);
    signal?.throwIfAborted();
    const complete = { ...target, UploadId, MultipartUpload: { Parts: done } };
    await finish({
      ...options,
      send: (condition) => client.send(new sdk.CompleteMultipartUploadCommand({ ...complete, ...condition }), send),
      canRepeat: false,
    });
    return bytes;
  } catch (error) {
    // A part that arrived later would stay, and be paid for.
    await Promise.allSettled(underWay);
    await client.send(new sdk.AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => {});
    throw error;
  }
}
