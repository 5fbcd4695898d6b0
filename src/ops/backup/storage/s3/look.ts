import { PitcrewError } from '../../../../errors.ts';
import type { StoredObject } from '../types.ts';
import { type Bucket, keyIn } from './bucket.ts';
import { isMissing } from './errors.ts';

/** Of an object's metadata: a random word of whoever wrote it. */
const writerName = 'pitcrew-writer';

/** What an object gets, so that its writer knows it again. */
export const writtenBy = (writer: string): { Metadata: Record<string, string> } => ({
  Metadata: { [writerName]: writer },
});

/** An object, and who wrote it; `undefined` when there is none. */
export async function look(
  place: Bucket,
  key: string,
): Promise<{ object: StoredObject; writer: string | undefined } | undefined> {
  const { sdk, client, bucket } = place;
  try {
    const found = await client.send(new sdk.HeadObjectCommand(keyIn(place, key)));
    const { ContentLength: bytes = 0, LastModified: modifiedAt = new Date(0), Metadata } = found;
    return { object: { key, bytes, modifiedAt }, writer: Metadata?.[writerName] };
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  // An answer without a body does not say what is missing. A bucket that is gone must not look like one where the log ends.
  try {
    await client.send(new sdk.HeadBucketCommand({ Bucket: bucket }));
  } catch (error) {
    throw isMissing(error) ? noBucket(place) : error;
  }
  return undefined;
}

function noBucket({ name, bucket }: Bucket): PitcrewError {
  return new PitcrewError('E_STORAGE', `${name} is not there`, {
    detail: `There is no bucket ${bucket} (NoSuchBucket).`,
    hint: 'Make the bucket first, or name another one; Pitcrew makes none.',
  });
}
