import { PitcrewError } from '../../../errors.ts';

const part = /^[A-Za-z0-9_][A-Za-z0-9._=+-]*$/;
/** What S3 allows, and what leaves room for a folder before it in a path of Linux. */
const longestKey = 1024;

/** @throws {PitcrewError} `E_BAD_REQUEST` for a key that a storage could take for something else */
export function checkKey(key: string): string {
  if (key.length <= longestKey && key.split('/').every((name) => part.test(name) && name.length <= 255)) return key;
  throw new PitcrewError('E_BAD_REQUEST', 'this cannot be the key of a stored object', { detail: JSON.stringify(key) });
}
