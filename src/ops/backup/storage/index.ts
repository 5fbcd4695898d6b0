export { localStorage } from './local.ts';
export type { ByteRange, PutOptions, Storage, StoredObject } from './types.ts';
export { openBucket, s3Storage } from './s3/index.ts';
