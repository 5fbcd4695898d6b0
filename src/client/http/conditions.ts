import { createHash } from 'node:crypto';

/** A strong validator of a body: the same bytes, the same tag, in every process. */
export function entityTag(body: Uint8Array): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
}

/**
 * The tag of an encoded response. Its bytes are others than those of the plain one, and another release of the encoder makes
 * others still: what a strong tag promises does not hold for them, what a weak one does (RFC 9110 §8.8.3.3).
 */
export function weakened(tag: string): string {
  return tag.startsWith('W/') ? tag : `W/${tag}`;
}

const entityTags = /(?:W\/)?"[^"]*"/g;

/**
 * Whether a client has what it asks for already (RFC 9110 §13.2.2, steps 3 and 4): then it is answered with 304. Tags are compared
 * weakly, as If-None-Match is defined.
 */
export function isNotModified(asked: Headers, etag: string | null, lastModified: string | null): boolean {
  const tags = asked.get('if-none-match');
  if (tags !== null) {
    if (tags.trim() === '*') return true;
    if (etag === null) return false;
    const opaque = etag.replace(/^W\//, '');
    return (tags.match(entityTags) ?? []).some((tag) => tag.replace(/^W\//, '') === opaque);
  }
  const since = Date.parse(asked.get('if-modified-since') ?? '');
  const modified = Date.parse(lastModified ?? '');
  return modified <= since;
}

/** What describes the content, which a 304 does not have. */
const ofContent = [
  'content-digest',
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'trailer',
  'transfer-encoding',
];

/** What a 304 says of what the client has (RFC 9110 §15.4.5). */
export function notModifiedHeaders(headers: Headers): Headers {
  const left = new Headers(headers);
  for (const name of ofContent) left.delete(name);
  return left;
}

/** Conditions that a cache answers for the handler. */
const conditional = ['if-none-match', 'if-modified-since'];

/** The same request without conditions, so that its answer is a whole one. Requests of frameworks stay what they are. */
export function withoutConditions(request: Request): Request {
  if (!conditional.some((name) => request.headers.has(name))) return request;
  const headers = new Headers(request.headers);
  for (const name of conditional) headers.delete(name);
  try {
    const Kind = request.constructor as typeof Request;
    return new Kind(request, { headers });
  } catch {
    return new Request(request, { headers });
  }
}
