import type { Context } from 'hono';
import { PitcrewError } from '../../errors.ts';
import type { Env } from '../context.ts';
import { problemResponse } from '../request/problem.ts';
import { createFiles, defaultUiDir, type StaticFile } from './files.ts';

/**
 * Serves the dashboard's own files. They are the same for everyone and hold no data, so they need no token: without
 * them nobody could see the form to sign in. A path that is no file is a page of the dashboard when a browser asks.
 */
export function createStatic(dir: string = defaultUiDir(), prefix = '') {
  const files = createFiles(dir, prefix);

  return async (c: Context<Env>): Promise<Response> => {
    const { path } = c.req;
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD') {
      const error = new PitcrewError('E_BAD_REQUEST', 'method not allowed', {
        detail: `${c.req.method} is not possible here.`,
      });
      return problemResponse(error, { status: 405, instance: path, headers: { allow: 'GET, HEAD' } });
    }
    const file = files.find(path);
    if (file) return send(c, file);
    const index = files.find('/index.html');
    if (isPage(c)) return index ? send(c, index) : notBuilt();
    return problemResponse(new PitcrewError('E_NOT_FOUND', 'no such file', { detail: path }), { instance: path });
  };
}

/** Browsers ask for pages with `Accept: text/html`; what looks like a file is none, so that a missing script is a 404. */
function isPage(c: Context): boolean {
  return c.req.path === '/' || ((c.req.header('accept') ?? '').includes('text/html') && !/\.\w+$/.test(c.req.path));
}

async function send(c: Context, file: StaticFile): Promise<Response> {
  const headers = new Headers({
    'content-type': file.type,
    'cache-control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    // Weak, because the same file goes out in several encodings.
    etag: `W/"${file.etag}"`,
    vary: 'accept-encoding',
  });
  if ((c.req.header('if-none-match') ?? '').includes(file.etag)) return new Response(null, { status: 304, headers });
  const encoding = encodingOf(c.req.header('accept-encoding') ?? '');
  const compressed = encoding === undefined ? undefined : await file.compressed(encoding);
  if (encoding !== undefined && compressed !== undefined) headers.set('content-encoding', encoding);
  const body = compressed ?? file.body;
  headers.set('content-length', String(body.length));
  return new Response(c.req.method === 'HEAD' ? null : new Uint8Array(body), { headers });
}

function encodingOf(accept: string): 'br' | 'gzip' | undefined {
  const accepted = new Set(
    accept
      .split(',')
      .filter((part) => !/;\s*q=0(\.0*)?\s*$/.test(part))
      .map((part) => part.split(';')[0]?.trim()),
  );
  if (accepted.has('br')) return 'br';
  return accepted.has('gzip') ? 'gzip' : undefined;
}

function notBuilt(): Response {
  return new Response(
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Pitcrew</title>' +
      '<h1>The dashboard is not built</h1><p>Run <code>npm run build</code> and load this page again. ' +
      'The API works: <a href="api/v1/databases">/api/v1/databases</a>.</p></html>',
    {
      status: 503,
      headers: { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', 'retry-after': '5' },
    },
  );
}
