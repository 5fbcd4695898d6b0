import { createHash, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { crc32 } from 'node:zlib';
import { type Answer, S3Error, xml } from './answers.ts';

export interface StoredFile {
  bytes: Buffer;
  etag: string;
  at: Date;
  metadata: Record<string, string>;
}

interface Upload {
  key: string;
  at: Date;
  metadata: Record<string, string>;
  parts: Map<number, StoredFile>;
}

export interface TestBucket {
  files: Map<string, StoredFile>;
  uploads: Map<string, Upload>;
}

export interface Request {
  /** As S3 calls it: `PutObject`, `UploadPart`, … */
  operation: string;
  bucket: string;
  key: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface Behaviour {
  /** What becomes of `If-None-Match: *` when something is stored: Amazon does it, others refuse it with 501, or take no note of it. */
  conditions: 'done' | 'refused' | 'ignored';
  /** Of each part but the last. */
  smallestPart: number;
  /** Keys in each answer to a listing. */
  pageSize: number;
}

/** S3's own name of what a request asks for. */
export function operationOf(method: string, key: string, query: URLSearchParams, headers: IncomingHttpHeaders): string {
  const has = (name: string): boolean => query.has(name);
  if (key === '') {
    if (method === 'HEAD') return 'HeadBucket';
    if (method === 'GET' && has('uploads')) return 'ListMultipartUploads';
    if (method === 'GET' && query.get('list-type') === '2') return 'ListObjectsV2';
  }
  if (has('uploadId')) {
    const copied = headers['x-amz-copy-source'] === undefined ? 'UploadPart' : 'UploadPartCopy';
    const names: Record<string, string> = {
      PUT: copied,
      POST: 'CompleteMultipartUpload',
      DELETE: 'AbortMultipartUpload',
      GET: 'ListParts',
    };
    return names[method] ?? 'unknown';
  }
  if (method === 'POST' && has('uploads')) return 'CreateMultipartUpload';
  const names: Record<string, string> = {
    PUT: 'PutObject',
    GET: 'GetObject',
    HEAD: 'HeadObject',
    DELETE: 'DeleteObject',
  };
  return (key !== '' && names[method]) || 'unknown';
}

type Operation = (bucket: TestBucket, request: Request, behaviour: Behaviour) => Answer;

export const operations: Record<string, Operation> = {
  HeadBucket: () => ({ status: 200 }),

  PutObject(bucket, { key, headers, body }, behaviour) {
    checkChecksum(headers, body);
    checkCondition(bucket, key, headers, behaviour);
    const file = stored(body, metadataOf(headers));
    bucket.files.set(key, file);
    return { status: 200, headers: { etag: file.etag } };
  },

  GetObject(bucket, { key, headers }) {
    const { bytes, etag, at, metadata } = fileOf(bucket, key);
    if (headers['if-match'] !== undefined && headers['if-match'] !== etag) throw new S3Error(412, 'PreconditionFailed');
    const known = { ...describe(etag, at, metadata), 'accept-ranges': 'bytes' };
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? '') ?? [];
    if (from === undefined) return { status: 200, headers: known, body: bytes };
    if (Number(from) >= bytes.length) throw new S3Error(416, 'InvalidRange');
    const end = to ? Math.min(Number(to), bytes.length - 1) : bytes.length - 1;
    return {
      status: 206,
      headers: { ...known, 'content-range': `bytes ${from}-${end}/${bytes.length}` },
      body: bytes.subarray(Number(from), end + 1),
    };
  },

  HeadObject(bucket, { key }) {
    const { bytes, etag, at, metadata } = fileOf(bucket, key);
    return { status: 200, headers: { ...describe(etag, at, metadata), 'content-length': String(bytes.length) } };
  },

  DeleteObject(bucket, { key }) {
    bucket.files.delete(key);
    return { status: 204 };
  },

  ListObjectsV2(bucket, { query }, { pageSize }) {
    const prefix = query.get('prefix') ?? '';
    const after = Buffer.from(query.get('continuation-token') ?? '', 'base64').toString();
    const found = [...bucket.files].filter(([key]) => key.startsWith(prefix) && key > after).toSorted(byKey);
    const page = found.slice(0, pageSize);
    const isCut = found.length > page.length;
    const next = Buffer.from(page.at(-1)?.[0] ?? '').toString('base64');
    return xml('ListBucketResult', [
      ['KeyCount', page.length],
      ['IsTruncated', String(isCut)],
      ...(isCut ? [['NextContinuationToken', next] as [string, string]] : []),
      ...page.map(([key, { bytes, at, etag }]): [string, [string, string | number][]] => [
        'Contents',
        [
          ['Key', key],
          ['LastModified', at.toISOString()],
          ['ETag', etag],
          ['Size', bytes.length],
        ],
      ]),
    ]);
  },

  CreateMultipartUpload(bucket, { bucket: name, key, headers }) {
    const id = randomBytes(8).toString('hex');
    bucket.uploads.set(id, { key, at: new Date(), metadata: metadataOf(headers), parts: new Map() });
    return xml('InitiateMultipartUploadResult', [
      ['Bucket', name],
      ['Key', key],
      ['UploadId', id],
    ]);
  },

  UploadPart(bucket, { query, headers, body }) {
    checkChecksum(headers, body);
    const { parts } = uploadOf(bucket, query);
    const part = stored(body, {});
    parts.set(Number(query.get('partNumber')), part);
    return { status: 200, headers: { etag: part.etag } };
  },

  UploadPartCopy(bucket, { bucket: name, query, headers }) {
    const source = decodeURIComponent(String(headers['x-amz-copy-source'])).replace(/^\//, '');
    if (!source.startsWith(`${name}/`)) throw new S3Error(400, 'InvalidArgument');
    const { parts } = uploadOf(bucket, query);
    const part = stored(fileOf(bucket, source.slice(name.length + 1)).bytes, {});
    parts.set(Number(query.get('partNumber')), part);
    return xml('CopyPartResult', [
      ['LastModified', part.at.toISOString()],
      ['ETag', part.etag],
    ]);
  },

  CompleteMultipartUpload(bucket, { key, query, headers, body }, behaviour) {
    const { parts, metadata } = uploadOf(bucket, query);
    checkCondition(bucket, key, headers, behaviour);
    const listed = [...body.toString().matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = '']) => ({
      number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
      etag: /<ETag>(.*?)</.exec(part)?.[1]?.replaceAll('&quot;', '"'),
    }));
    const chosen = listed.map(({ number, etag }, place) => {
      const part = parts.get(number);
      if (!part || part.etag !== etag) throw new S3Error(400, 'InvalidPart');
      if (number <= (listed[place - 1]?.number ?? 0)) throw new S3Error(400, 'InvalidPartOrder');
      if (place < listed.length - 1 && part.bytes.length < behaviour.smallestPart)
        throw new S3Error(400, 'EntityTooSmall');
      return part.bytes;
    });
    if (chosen.length === 0) throw new S3Error(400, 'MalformedXML');
    const file = stored(Buffer.concat(chosen), metadata);
    bucket.files.set(key, file);
    bucket.uploads.delete(query.get('uploadId') ?? '');
    return xml('CompleteMultipartUploadResult', [['ETag', file.etag]]);
  },

  AbortMultipartUpload(bucket, { query }) {
    uploadOf(bucket, query);
    bucket.uploads.delete(query.get('uploadId') ?? '');
    return { status: 204 };
  },

  ListMultipartUploads(bucket, { query }) {
    const prefix = query.get('prefix') ?? '';
    const found = [...bucket.uploads].filter(([, { key }]) => key.startsWith(prefix));
    return xml('ListMultipartUploadsResult', [
      ['IsTruncated', 'false'],
      ...found.map(([id, { key, at }]): [string, [string, string][]] => [
        'Upload',
        [
          ['Key', key],
          ['UploadId', id],
          ['Initiated', at.toISOString()],
        ],
      ]),
    ]);
  },

  ListParts(bucket, { query }) {
    const { parts } = uploadOf(bucket, query);
    return xml('ListPartsResult', [
      ['IsTruncated', 'false'],
      ...[...parts].map(([number, { at, etag, bytes }]): [string, [string, string | number][]] => [
        'Part',
        [
          ['PartNumber', number],
          ['LastModified', at.toISOString()],
          ['ETag', etag],
          ['Size', bytes.length],
        ],
      ]),
    ]);
  },
};

const byKey = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1);

function stored(bytes: Buffer, metadata: Record<string, string>): StoredFile {
  const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
  return { bytes, etag, at: new Date(), metadata };
}

function fileOf({ files }: TestBucket, key: string): StoredFile {
  const file = files.get(key);
  if (!file) throw new S3Error(404, 'NoSuchKey');
  return file;
}

function uploadOf({ uploads }: TestBucket, query: URLSearchParams): Upload {
  const upload = uploads.get(query.get('uploadId') ?? '');
  if (!upload) throw new S3Error(404, 'NoSuchUpload');
  return upload;
}

function describe(etag: string, at: Date, metadata: Record<string, string>): Record<string, string> {
  return { etag, 'last-modified': at.toUTCString(), ...metadata };
}

const metadataOf = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (name.startsWith('x-amz-meta-') ? [[name, String(value)]] : [])),
  );

function checkChecksum(headers: IncomingHttpHeaders, body: Buffer): void {
  const told = headers['x-amz-checksum-crc32'];
  const own = Buffer.alloc(4);
  own.writeUInt32BE(crc32(body));
  if (told !== undefined && told !== own.toString('base64')) throw new S3Error(400, 'BadDigest');
}

function checkCondition(
  { files }: TestBucket,
  key: string,
  headers: IncomingHttpHeaders,
  { conditions }: Behaviour,
): void {
  if (headers['if-none-match'] !== '*' || conditions === 'ignored') return;
  if (conditions === 'refused') throw new S3Error(501, 'NotImplemented');
  if (files.has(key)) throw new S3Error(412, 'PreconditionFailed');
}
