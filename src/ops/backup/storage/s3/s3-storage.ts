import { randomBytes } from 'node:crypto';
import { Buffer } from 'node:buffer';
import { PitcrewError } from '../../../../errors.ts';
import { checkKey } from '../keys.ts';
import { stoppable } from '../stoppable.ts';
import type { Storage, StoredObject } from '../types.ts';
import { type Bucket, keyIn } from './bucket.ts';
import { finisher } from './finish.ts';
import { isMissing, s3Error } from './errors.ts';
import { look, writtenBy } from './look.ts';
import { type PartSizes, upload, usualSizes } from './multipart.ts';
import { firstOf, partsOf } from './parts.ts';
import { readObject } from './read.ts';
import { sweepUploads } from './sweep.ts';

export interface S3Options {
  sizes?: PartSizes | undefined;
  /** Is told once what the service cannot do, and what follows. */
  onNotice?: ((text: string) => void) | undefined;
}

/** Keeps objects in a bucket of Amazon S3, or of a service that speaks its protocol. */
export function s3Storage(place: Bucket, { sizes = usualSizes, onNotice = () => {} }: S3Options = {}): Storage {
  const { sdk, client, bucket, prefix, name } = place;
  const finish = finisher(place, onNotice);

  /** Stores all that comes: at once where it is little, else in parts. */
  async function write(
    key: string,
    source: AsyncIterable<Uint8Array>,
    onlyNew: boolean,
    signal?: AbortSignal,
  ): Promise<number> {
    const { take, release } = partsOf(source, sizes.bytes);
    const writer = randomBytes(12).toString('hex');
    const how = { key, writer, onlyNew, signal };
    const first = await take();
    const second = first && (await take());
    if (first && second) return upload(place, firstOf([first, second], take), { ...how, sizes, finish, release });
    const put = {
      ...keyIn(place, key),
      Body: first ?? Buffer.alloc(0),
      ...writtenBy(writer),
      ChecksumAlgorithm: 'CRC32' as const,
    };
    const send = (condition: object): Promise<unknown> =>
      client.send(new sdk.PutObjectCommand({ ...put, ...condition }), signal ? { abortSignal: signal } : {});
    await finish({ ...how, send, canRepeat: true });
    return first?.length ?? 0;
  }

  return {
    name,
    async put(key, source, { signal, onlyNew = false } = {}) {
      checkKey(key);
      let broken: unknown;
      const watched = async function* (): AsyncGenerator<Uint8Array> {
        try {
          yield* source;
        } catch (error) {
          throw (broken = error);
        }
      };
      const pieces = stoppable(watched(), signal);
      try {
        return await write(key, pieces, onlyNew, signal);
      } catch (error) {
        if (signal?.aborted) throw new PitcrewError('E_ABORTED', 'the writing was stopped', { cause: error });
        throw broken ?? s3Error(error, place, key);
      } finally {
        await pieces.return(undefined);
      }
    },
    get: (key, range) => readObject(place, key, range),
    async head(key) {
      checkKey(key);
      try {
        return (await look(place, key))?.object;
      } catch (error) {
        throw s3Error(error, place, key);
      }
    },
    async *list(start) {
      let last = '';
      let token: string | undefined;
      try {
        do {
          const page = await client.send(
            new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix + start, ContinuationToken: token }),
          );
          for (const { Key = '', Size: bytes = 0, LastModified: modifiedAt = new Date(0) } of page.Contents ?? []) {
            if (Key <= last) throw otherOrder(name);
            last = Key;
            const key = Key.slice(prefix.length);
            // What others keep there is none of ours.
            if (isKey(key)) yield { key, bytes, modifiedAt } satisfies StoredObject;
          }
          token = page.IsTruncated ? page.NextContinuationToken : undefined;
        } while (token !== undefined);
      } catch (error) {
        throw s3Error(error, place);
      }
    },
    async delete(key) {
      try {
        await client.send(new sdk.DeleteObjectCommand(keyIn(place, key)));
      } catch (error) {
        if (!isMissing(error)) throw s3Error(error, place, key);
      }
    },
    async sweep(before) {
      try {
        return await sweepUploads(place, before);
      } catch (error) {
        throw s3Error(error, place);
      }
    },
    async close() {
      client.destroy();
    },
  };
}

function isKey(key: string): boolean {
  try {
    checkKey(key);
    return true;
  } catch {
    return false;
  }
}

function otherOrder(name: string): PitcrewError {
  return new PitcrewError('E_UNSUPPORTED', `${name} does not list as S3 does`, {
    detail: 'What is there has to come in the order of its keys.',
    hint: 'Give a general purpose bucket; a directory bucket lists in no order.',
  });
}
