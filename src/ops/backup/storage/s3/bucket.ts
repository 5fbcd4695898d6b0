import type { S3Client } from '@aws-sdk/client-s3';
import type { RepositorySettings } from '../../../../config/index.ts';
import { PitcrewError } from '../../../../errors.ts';
import { checkKey } from '../keys.ts';

/** How a bucket is reached. */
export type S3Settings = RepositorySettings['s3'];

/** The package of Amazon's, which is loaded where a bucket is used only. */
export type Sdk = typeof import('@aws-sdk/client-s3');

/** A bucket, or what is below a prefix in it. */
export interface Bucket {
  sdk: Sdk;
  client: S3Client;
  bucket: string;
  /** What stands before each key: empty, or with a slash at its end. */
  prefix: string;
  /** `s3://bucket/prefix`. */
  name: string;
}

/** How the SDK wants an object named. @throws {PitcrewError} `E_BAD_REQUEST` for a key that cannot be one */
export const keyIn = ({ bucket, prefix }: Bucket, key: string): { Bucket: string; Key: string } => ({
  Bucket: bucket,
  Key: prefix + checkKey(key),
});

/** A peer that does not answer the beginning of a connection for so long is given up. */
const connectMs = 10_000;
/** Likewise one that says nothing, and takes nothing. */
const silentMs = 60_000;
/** With a pause before each that grows, as Amazon's own tools make. */
const attempts = 5;

/**
 * Prepares to use a bucket; nothing is asked of it yet.
 * @throws {PitcrewError} `E_MISSING_PACKAGE` without the package `@aws-sdk/client-s3`; `E_CONFIG` for a location that is none
 */
export async function openBucket(location: string, settings: S3Settings, silence = silentMs): Promise<Bucket> {
  const { bucket, prefix } = parseLocation(location);
  const sdk = await loadSdk();
  const { endpoint, region, pathStyle, accessKeyId, secretAccessKey } = settings;
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    throw new PitcrewError('E_CONFIG', 'of the keys for a bucket one is missing', {
      detail: `For ${location} there is an accessKeyId or a secretAccessKey, not both.`,
    });
  }
  const client = new sdk.S3Client({
    region,
    forcePathStyle: pathStyle,
    // The SDK asks the bucket's own region, where it is another one.
    followRegionRedirects: endpoint === undefined,
    maxAttempts: attempts,
    // What is read is compared with checksums of our own; a part that is read has none of theirs.
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: { connectionTimeout: connectMs, socketTimeout: silence },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey } }),
  });
  return { sdk, client, bucket, prefix, name: `s3://${bucket}${prefix === '' ? '' : `/${prefix.slice(0, -1)}`}` };
}

async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-s3');
  } catch (cause) {
    throw new PitcrewError('E_MISSING_PACKAGE', 'the package "@aws-sdk/client-s3" is not installed', {
      detail: 'Backups in a bucket need it.',
      hint: 'npm install @aws-sdk/client-s3',
      cause,
    });
  }
}

function parseLocation(location: string): { bucket: string; prefix: string } {
  const [, bucket, path = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(location) ?? [];
  const prefix = path.replace(/\/+$/, '');
  try {
    if (bucket !== undefined) return { bucket, prefix: prefix === '' ? '' : `${checkKey(prefix)}/` };
  } catch {
    // Said below.
  }
  throw new PitcrewError('E_CONFIG', `${location} is no place for backups`, {
    hint: 'Give a folder, or a bucket such as s3://bucket/shop.',
  });
}
