import type { Buffer } from 'node:buffer';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { PitcrewError } from '../../../../errors.ts';
import type { ByteRange } from '../types.ts';
import { type Bucket, keyIn } from './bucket.ts';
import { failureOf, isMissing, s3Error } from './errors.ts';

/** So often a read that was cut is taken up again without any byte in between. */
const mostResumes = 4;

/** Reads an object, or a part of it. What is cut in the middle goes on where it was, as long as it is the same object. */
export async function* readObject(
  place: Bucket,
  key: string,
  { from, to }: ByteRange = { from: 0 },
): AsyncGenerator<Buffer> {
  const target = keyIn(place, key);
  if (to !== undefined && to <= from) return;
  const { sdk, client } = place;
  let at = from;
  let tag: string | undefined;
  let cuts = 0;
  for (;;) {
    let body: Readable | undefined;
    try {
      const range = at === 0 && to === undefined ? {} : { Range: `bytes=${at}-${to === undefined ? '' : to - 1}` };
      const same = tag === undefined ? {} : { IfMatch: tag };
      const found = await client.send(new sdk.GetObjectCommand({ ...target, ...range, ...same }));
      tag = found.ETag;
      if (!(found.Body instanceof Readable)) return;
      body = found.Body;
      for await (const piece of body) {
        const bytes = piece as Buffer;
        at += bytes.length;
        cuts = 0;
        yield bytes;
      }
      return;
    } catch (error) {
      const { code, status } = failureOf(error);
      // Nothing is behind the end.
      if (status === 416 || code === 'InvalidRange') return;
      if (isMissing(error)) throw missing(place, key);
      if (status === 412) throw replaced(place, key);
      // Before there was a body, the client has tried again itself.
      if (body === undefined || cuts === mostResumes) throw s3Error(error, place, key);
      cuts += 1;
      await delay(cuts * 100);
    } finally {
      body?.destroy();
    }
  }
}

function missing({ name }: Bucket, key: string): PitcrewError {
  return new PitcrewError('E_NOT_FOUND', 'a stored object is missing', { detail: `${key} in ${name}.` });
}

function replaced({ name }: Bucket, key: string): PitcrewError {
  return new PitcrewError('E_STORAGE', 'a stored object was replaced while it was read', {
    detail: `${key} in ${name}.`,
  });
}
