import type { Bucket } from './bucket.ts';
import { failureOf } from './errors.ts';

/** Gives up what writers left unfinished that were last at work before `before`. @returns how many */
export async function sweepUploads(place: Bucket, before: Date): Promise<number> {
  const { sdk, client, bucket, prefix } = place;
  let swept = 0;
  let marker: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } | undefined = {};
  while (marker) {
    const page: import('@aws-sdk/client-s3').ListMultipartUploadsCommandOutput = await client.send(
      new sdk.ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix, ...marker }),
    );
    for (const { Key = '', UploadId, Initiated } of page.Uploads ?? []) {
      const upload = { Bucket: bucket, Key, UploadId };
      if ((Initiated && Initiated >= before) || (await lastPartAt(place, upload)) >= before) continue;
      await client.send(new sdk.AbortMultipartUploadCommand(upload)).catch(ignoreGone);
      swept += 1;
    }
    const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
    marker = IsTruncated && KeyMarker !== undefined ? { KeyMarker, UploadIdMarker } : undefined;
  }
  return swept;
}

/** When the newest part of an upload came; the beginning of time when none did. */
async function lastPartAt(
  { sdk, client }: Bucket,
  upload: { Bucket: string; Key: string; UploadId: string | undefined },
): Promise<Date> {
  let last = new Date(0);
  let marker: string | undefined = '0';
  while (marker !== undefined) {
    const page: import('@aws-sdk/client-s3').ListPartsCommandOutput = await client.send(
      new sdk.ListPartsCommand({ ...upload, PartNumberMarker: marker }),
    );
    for (const { LastModified } of page.Parts ?? []) if (LastModified && LastModified > last) last = LastModified;
    marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
  }
  return last;
}

/** Its writer has finished it meanwhile. */
function ignoreGone(error: unknown): void {
  if (failureOf(error).code !== 'NoSuchUpload') throw error;
}
