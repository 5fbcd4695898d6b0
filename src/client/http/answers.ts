import type { Cache } from '../cache/index.ts';
import type { Asked } from './asked.ts';
import { parseCacheControl } from './cache-control.ts';
import { isNotModified, notModifiedHeaders, weakened } from './conditions.ts';
import { encode, type Encoding, isCompressible, negotiate } from './encoding.ts';
import type { Settings } from './options.ts';
import { bodyless, keptMs, type StoredResponse } from './stored-response.ts';

/** The name of this cache in `Cache-Status` (RFC 9211). */
const cacheName = 'pitcrew';

const wholeBodies = new WeakMap<Response, Uint8Array>();

/** The body of an answer from the cache, for those who can send it as it is. */
export function wholeBody(response: Response): Uint8Array | undefined {
  return wholeBodies.get(response);
}

/** Makes answers of what is kept: encoded as the client likes it, or 304. */
export class Answers<Native> {
  readonly #cache: Cache;
  readonly #settings: Settings<Native>;

  constructor(cache: Cache, settings: Settings<Native>) {
    this.#cache = cache;
    this.#settings = settings;
  }

  /**
   * @param key under which it is kept: encoded bodies are kept beside it
   * @param status what `Cache-Status` says besides the name of the cache
   */
  async of(stored: StoredResponse, key: string, { request }: Asked<Native>, status: string): Promise<Response> {
    const headers = new Headers(stored.headers as [string, string][]);
    headers.set('cache-status', `${cacheName}; ${status}`);
    headers.set('age', String(Math.max(0, Math.floor((Date.now() - stored.madeAt) / 1000))));
    let { body } = stored;
    if (this.#mayEncode(stored, headers)) {
      addVary(headers, 'Accept-Encoding');
      const encoding = negotiate(request.headers.get('accept-encoding'), this.#settings.encodings);
      const encoded = encoding && (await this.#encoded(stored, key, encoding));
      if (encoding && encoded) {
        body = encoded;
        headers.set('content-encoding', encoding);
        headers.set('content-length', String(body.length));
        const etag = headers.get('etag');
        if (etag !== null) headers.set('etag', weakened(etag));
        headers.delete('accept-ranges');
      }
    }
    const { status: code, statusText } = stored;
    if (code === 200 && isNotModified(request.headers, headers.get('etag'), headers.get('last-modified'))) {
      return new Response(null, { status: 304, headers: notModifiedHeaders(headers) });
    }
    const isEmpty = request.method === 'HEAD' || bodyless.has(code);
    const answer = new Response(isEmpty ? null : (body as Uint8Array<ArrayBuffer>), {
      status: code,
      statusText,
      headers,
    });
    if (!isEmpty) wholeBodies.set(answer, body);
    return answer;
  }

  /** A response of the handler that is not kept; its client's conditions, which the handler was not shown, hold for it too. */
  passing(response: Response, { request }: Asked<Native>, status: string): Response {
    const { headers } = response;
    if (response.status === 200 && isNotModified(request.headers, headers.get('etag'), headers.get('last-modified'))) {
      void response.body?.cancel().catch(() => {});
      const notModified = new Response(null, { status: 304, headers: notModifiedHeaders(headers) });
      return withStatus(notModified, status);
    }
    return withStatus(response, status);
  }

  /** RFC 9111 §5.2.1.7. */
  notKept(): Response {
    return withStatus(new Response(null, { status: 504 }), 'fwd=miss; fwd-status=504');
  }

  #mayEncode({ body, status }: StoredResponse, headers: Headers): boolean {
    const { encodings, compressAbove } = this.#settings;
    if (encodings.length === 0 || body.length < compressAbove || bodyless.has(status)) return false;
    if (!isCompressible(headers.get('content-type'))) return false;
    // A digest of the content is one of these very bytes.
    if (['content-encoding', 'content-digest', 'digest', 'content-md5'].some((name) => headers.has(name))) return false;
    return !parseCacheControl(headers.get('cache-control')).has('no-transform');
  }

  /** Made once. The key bears a digest of what it is made of: it is that of no other body, whatever is kept meanwhile. */
  #encoded(stored: StoredResponse, key: string, encoding: Encoding): Promise<Uint8Array | null> {
    const { body, tags, digest } = stored;
    const make = async (): Promise<Uint8Array | null> => (await encode(body, encoding)) ?? null;
    return this.#cache.remember(`${key}:${encoding}:${digest}`, Math.max(1000, keptMs(stored)), make, {
      tags,
      jitter: 0,
    });
  }
}

/** Says in the response what the cache had to do with it. */
export function withStatus(response: Response, status: string): Response {
  const value = `${cacheName}; ${status}`;
  if (response.status < 200) return response;
  try {
    response.headers.append('cache-status', value);
    return response;
  } catch {
    // Headers of what `fetch` gave, and of redirects, cannot be changed.
    const changed = new Response(response.body, response);
    changed.headers.append('cache-status', value);
    return changed;
  }
}

function addVary(headers: Headers, name: string): void {
  const present = headers.get('vary') ?? '';
  const names = present.split(',').map((each) => each.trim().toLowerCase());
  if (!names.includes(name.toLowerCase())) headers.append('vary', name);
}
