import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { createMiddleware } from 'hono/factory';
import { PitcrewError } from '../../errors.ts';
import type { Env } from '../context.ts';
import { problemResponse } from './problem.ts';

const inflate = promisify(gunzip);

/** Takes bodies that are sent as gzip, and none that become larger than `maxBytes`: inflating stops there. */
export function inflateBody(maxBytes: number, refuse: (path: string) => Response) {
  return createMiddleware<Env>(async (c, next) => {
    const { url, method, headers: sent, signal } = c.req.raw;
    const encoding = sent.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
    if (encoding === 'identity' || encoding === '') return next();
    if (encoding !== 'gzip' && encoding !== 'x-gzip') {
      const error = new PitcrewError('E_BAD_REQUEST', 'body in an unknown encoding', {
        detail: `content-encoding: found "${encoding.slice(0, 100)}"; gzip is allowed`,
      });
      return problemResponse(error, { status: 415, instance: c.req.path });
    }
    let body: Uint8Array<ArrayBuffer>;
    try {
      body = new Uint8Array(await inflate(await c.req.arrayBuffer(), { maxOutputLength: maxBytes }));
    } catch (error) {
      if (error instanceof RangeError) return refuse(c.req.path);
      throw new PitcrewError('E_BAD_REQUEST', 'bad request body', { detail: 'The body is not gzip.', cause: error });
    }
    const headers = new Headers(sent);
    headers.delete('content-encoding');
    headers.delete('content-length');
    c.req.raw = new Request(url, { method, headers, signal, ...(body.length > 0 ? { body } : {}) });
    // What was read of the first one is not of this one.
    c.req.bodyCache = {};
    return next();
  });
}
