import { z } from 'zod';
import { messageOf } from '../../../errors.ts';
import { readRecord, recordText, storeText, verifiedKey, verifiedPrefix } from '../repository/index.ts';
import type { Storage, StoredObject } from '../storage/index.ts';

/** When objects were found whole: by the end of their key, with size, when they were stored, and when they were read, in milliseconds. */
const verifiedRecord = z.strictObject({
  format: z.literal(1),
  objects: z.record(z.string(), z.tuple([z.int(), z.int(), z.int()])),
});

/** What is remembered of the objects that belong together. */
export interface Remembered {
  /** Whether an object was found whole lately, and is the same since. */
  has(object: StoredObject): boolean;
  /** An object was found whole. */
  add(object: StoredObject): void;
  /** Keeps what is remembered, of the objects that were asked for or added. @returns why not, when that fails */
  save(): Promise<string | undefined>;
}

/** Reads what is remembered of objects, by what their keys have in common. What cannot be read is as if it was not there. */
export async function remembered(
  storage: Storage,
  what: string,
  { maxAgeMs, now }: { maxAgeMs: number; now: number },
): Promise<Remembered> {
  const key = verifiedKey(what);
  const before = (await readRecord(storage, key, verifiedRecord).catch(() => undefined))?.objects ?? {};
  const after: typeof before = {};
  let isNew = false;
  const nameOf = (object: StoredObject): string => object.key.split('/').at(-1) ?? object.key;
  return {
    has(object) {
      const [bytes, modifiedAt, verifiedAt = NaN] = before[nameOf(object)] ?? [];
      const isSame = bytes === object.bytes && modifiedAt === object.modifiedAt.getTime();
      // A clock that was set back has nothing to say.
      if (!isSame || verifiedAt > now || verifiedAt <= now - maxAgeMs) return false;
      after[nameOf(object)] = [bytes, modifiedAt, verifiedAt];
      return true;
    },
    add(object) {
      isNew = true;
      after[nameOf(object)] = [object.bytes, object.modifiedAt.getTime(), now];
    },
    async save() {
      if (!isNew && Object.keys(before).length === Object.keys(after).length) return undefined;
      try {
        if (Object.keys(after).length === 0) await storage.delete(key);
        else await storeText(storage, key, recordText(verifiedRecord, { format: 1, objects: after }));
        return undefined;
      } catch (error) {
        return messageOf(error);
      }
    },
  };
}

/** Removes what is remembered of all but these. */
export async function forgetOthers(storage: Storage, kept: ReadonlySet<string>): Promise<void> {
  const keys = new Set([...kept].map(verifiedKey));
  for await (const { key } of storage.list(verifiedPrefix)) if (!keys.has(key)) await storage.delete(key);
}
