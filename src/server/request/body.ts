import { createMiddleware } from 'hono/factory';
import type { Env } from '../context.ts';

/**
 * Refuses bodies of more than `maxBytesOf` gives for the path. One that does not tell its length is read up to the limit, and handed on as a
 * request of its own made from plain parts: the request that the Node adapter gives cannot be copied.
 */
export function limitBody(maxBytesOf: (path: string) => number, refuse: (path: string) => Response) {
  return createMiddleware<Env>(async (c, next) => {
    const { url, method, headers, body, signal } = c.req.raw;
    if (body === null) return next();
    const maxBytes = maxBytesOf(c.req.path);
    const length = headers.get('content-length');
    if (length !== null && !headers.has('transfer-encoding')) {
      return Number(length) > maxBytes ? refuse(c.req.path) : next();
    }
    const pieces: Uint8Array[] = [];
    let size = 0;
    for await (const piece of body) {
      size += piece.length;
      if (size > maxBytes) return refuse(c.req.path);
      pieces.push(piece);
    }
    c.req.raw = new Request(url, { method, headers, signal, ...(size > 0 ? { body: Buffer.concat(pieces) } : {}) });
    return next();
  });
}
