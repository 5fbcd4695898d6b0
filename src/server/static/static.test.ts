import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { plainContext } from '../../../test/support/plain-monitor.ts';
import { createApp, createHandler } from '../index.ts';

const dir = mkdtempSync(join(tmpdir(), 'pitcrew-ui-'));
const uiDir = join(dir, 'ui');
const app = createApp(plainContext({ uiDir }));
const html = { accept: 'text/html,*/*' };
const script = `console.log(${JSON.stringify('x'.repeat(5000))});`;

test('before the build a browser is told what to do', async () => {
  const response = await app.request('/', { headers: html });
  expect(response.status).toBe(503);
  expect(await response.text()).toContain('npm run build');
});

describe('the built dashboard', () => {
  beforeAll(() => {
    mkdirSync(join(uiDir, 'assets'), { recursive: true });
    writeFileSync(join(uiDir, 'assets', 'main-Ab12.js'), script);
    writeFileSync(join(uiDir, 'favicon.svg'), '<svg/>');
    writeFileSync(join(dir, 'secret.txt'), 'hunter2');
    writeFileSync(join(uiDir, 'index.html'), '<!doctype html><base href="/" /><title>Pitcrew</title>');
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  test.each(['/', '/queries', '/queries/17?from=1h', '/index.html'])(
    '%s is the page, checked at every load',
    async (path) => {
      const response = await app.request(path, { headers: html });
      expect(response.status).toBe(200);
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(response.headers.get('cache-control')).toBe('no-cache');
      expect(await response.text()).toContain('<title>Pitcrew');
    },
  );

  test('files with a hash in their name are kept by browsers for ever', async () => {
    const response = await app.request('/assets/main-Ab12.js');
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(await response.text()).toBe(script);
    const again = await app.request('/assets/main-Ab12.js', {
      headers: { 'if-none-match': response.headers.get('etag') ?? '' },
    });
    expect(again.status).toBe(304);
    expect(await again.text()).toBe('');
  });

  test('text goes out compressed, as the browser can', async () => {
    const ask = async (encoding: string) => {
      const response = await app.request('/assets/main-Ab12.js', { headers: { 'accept-encoding': encoding } });
      return { encoding: response.headers.get('content-encoding'), body: Buffer.from(await response.arrayBuffer()) };
    };
    const brotli = await ask('gzip, deflate, br');
    expect(brotli.encoding).toBe('br');
    expect(brotliDecompressSync(brotli.body).toString()).toBe(script);
    const gzip = await ask('gzip;q=0.8, br;q=0');
    expect(gzip.encoding).toBe('gzip');
    expect(gunzipSync(gzip.body).toString()).toBe(script);
    expect((await ask('identity')).encoding).toBeNull();
  });

  test.each([
    '/assets/main-Zz99.js',
    '/missing.png',
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/%00',
  ])('%s is not there', async (path) => {
    const response = await app.request(path);
    expect(response.status).toBe(404);
    expect(await response.text()).not.toContain('hunter2');
  });

  test('a program that asks for no page gets a problem, and a change is refused', async () => {
    expect((await app.request('/queries', { headers: { accept: 'application/json' } })).status).toBe(404);
    const post = await app.request('/', { method: 'POST' });
    expect(post.status).toBe(405);
    expect(post.headers.get('allow')).toBe('GET, HEAD');
  });

  test('below a path of another application the page finds its files there', async () => {
    const handler = createHandler(plainContext({ uiDir, prefix: '/tools/pitcrew' }));
    const page = await handler(new Request('https://app.example/tools/pitcrew/queries', { headers: html }));
    expect(await page.text()).toContain('<base href="/tools/pitcrew/" />');
    const file = await handler(new Request('https://app.example/tools/pitcrew/assets/main-Ab12.js'));
    expect(await file.text()).toBe(script);
    expect(() => createHandler(plainContext({ prefix: '/"><script>' }))).toThrow('bad prefix');
  });

  test('HEAD has no body', async () => {
    const response = await app.request('/', { method: 'HEAD' });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });
});
