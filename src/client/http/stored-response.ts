import { entityTag } from './conditions.ts';
import { type Shelf, variesWith } from './freshness.ts';
import { varied } from './key.ts';
import { marksOf } from './marks.ts';

/** A response as it is kept. Times in ms since the epoch. */
export interface StoredResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  /** A strong entity tag of the body, whichever the headers give. */
  readonly digest: string;
  /** What the headers that it varies with said in the request that it answers. */
  readonly vary: Readonly<Record<string, string>>;
  /** When it was made, at this server or behind it. */
  readonly madeAt: number;
  readonly freshUntil: number;
  readonly staleWhileUntil: number;
  readonly staleIfErrorUntil: number;
  readonly tags: readonly string[];
}

/** Statuses without a body (RFC 9110 §15). */
export const bodyless = new Set([204, 205, 304]);

/** Headers of one connection, or of one user, that are not kept (RFC 9111 §3.1). */
const perConnection = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'age',
  'cache-status',
];

/** Headers of the content, and of how it is cached: they belong to it, whoever has set them. */
const ofContent = /^(?:content-(?!security)|etag$|last-modified$|cache-control$|expires$|date$|vary$|cache-tag$)/;

export function store(
  response: Response,
  body: Uint8Array,
  shelf: Shelf,
  asked: Headers,
  tags: readonly string[],
): StoredResponse {
  const headers = new Headers(response.headers);
  for (const name of headers.get('connection')?.split(',') ?? []) {
    if (/^[\w-]+$/.test(name.trim())) headers.delete(name.trim());
  }
  for (const name of perConnection) headers.delete(name);
  const vary = Object.fromEntries(variesWith(headers).map((name) => [name, varied(name, asked)]));
  for (const name of marksOf(response).outer ?? []) if (!ofContent.test(name)) headers.delete(name);
  const now = Date.now();
  if (!headers.has('date')) headers.set('date', new Date(now).toUTCString());
  const digest = entityTag(body);
  if (response.status === 200 && !headers.has('etag')) headers.set('etag', digest);
  if (!bodyless.has(response.status)) headers.set('content-length', String(body.length));
  const freshUntil = now + shelf.freshMs;
  return {
    status: response.status,
    statusText: response.statusText,
    headers: [...headers],
    body,
    digest,
    vary,
    madeAt: now - shelf.ageMs,
    freshUntil,
    staleWhileUntil: freshUntil + shelf.staleWhileMs,
    staleIfErrorUntil: freshUntil + shelf.staleIfErrorMs,
    tags,
  };
}

/** How long a response is kept, fresh or not, in ms. */
export function keptMs(stored: StoredResponse | null): number {
  if (stored === null) return 0;
  return Math.max(0, Math.max(stored.freshUntil, stored.staleWhileUntil, stored.staleIfErrorUntil) - Date.now());
}

/** Whether a response is one to a request with these headers (RFC 9111 §4.1). */
export function isFor(stored: StoredResponse, asked: Headers): boolean {
  return Object.entries(stored.vary).every(([name, value]) => varied(name, asked) === value);
}

/** Tags of the header `Cache-Tag`, parted by commas or spaces. */
export function cacheTags(headers: Headers): string[] {
  return (headers.get('cache-tag') ?? '').split(/[\s,]+/).filter((tag) => tag !== '');
}
