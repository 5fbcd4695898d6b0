export { localStorage } from './local.ts';
export type { ByteRange, PutOptions, Storage, StoredObject } from './types.ts';
