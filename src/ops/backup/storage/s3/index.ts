export { openBucket } from './bucket.ts';
export { s3Storage } from './s3-storage.ts';
