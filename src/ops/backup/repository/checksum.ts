import { text as readAll } from 'node:stream/consumers';
import type { Storage } from '../storage/index.ts';
import { storeText } from './record-file.ts';

const suffix = '.sha256';

/** Beside an object: its checksum, as `sha256sum -c` reads it in that folder. */
export const checksumKey = (key: string): string => `${key}${suffix}`;

export const isChecksum = (key: string): boolean => key.endsWith(suffix);

/** Of what a checksum is. */
export const keyOfChecksum = (key: string): string => key.slice(0, -suffix.length);

/** Says what an object has to be, so that it can be checked without a key. Of what is stored, once that is there. */
export async function storeChecksum(storage: Storage, key: string, sha256: string): Promise<void> {
  await storeText(storage, checksumKey(key), `${sha256}  ${fileName(key)}\n`);
}

/** @returns `undefined` for a file that is not the checksum of that object @throws {PitcrewError} `E_NOT_FOUND`, `E_STORAGE` */
export async function readChecksum(storage: Storage, key: string): Promise<string | undefined> {
  const line = await readAll(storage.get(checksumKey(key), { from: 0, to: 2000 }));
  const [, sha256, name] = /^([0-9a-f]{64}) [ *](.+)\n?$/.exec(line) ?? [];
  return name === fileName(key) ? sha256 : undefined;
}

const fileName = (key: string): string => key.split('/').at(-1) ?? key;
