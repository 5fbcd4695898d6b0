import { describe, expect, test } from 'vitest';
import { plainContext } from '../../../test/support/plain-monitor.ts';
import { createApp } from '../index.ts';
import { createAttempts } from './attempts.ts';

const token = 'correct-horse-battery-staple';
const withToken = () => {
  const context = plainContext();
  return createApp({ ...context, config: { ...context.config, server: { ...context.config.server, token } } });
};
const signIn = (app: ReturnType<typeof withToken>, presented: string) =>
  app.request('/api/v1/session', {
    method: 'POST',
    body: JSON.stringify({ token: presented }),
    headers: { 'content-type': 'application/json' },
  });

describe('with a token', () => {
  const guarded = [
    '/api/v1/databases',
    '/api/v1/openapi.json',
    '/api/v1/events',
    '/api/v1/nothing',
    '/metrics',
    '/readyz',
  ];

  test.each(guarded)('%s asks for it', async (path) => {
    const app = withToken();
    const asked = await app.request(path);
    expect(asked.status).toBe(401);
    expect(asked.headers.get('www-authenticate')).toBe('Bearer realm="pitcrew"');
    expect((await app.request(path, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    expect((await app.request(path, { headers: { cookie: 'pitcrew_session=9999999999.x.y' } })).status).toBe(401);
    expect((await app.request(path, { headers: { authorization: `Basic ${btoa(`:${token}`)}` } })).status).toBe(401);
    const allowed = await app.request(path, { headers: { authorization: `Bearer ${token}` } });
    expect(allowed.status).not.toBe(401);
    await allowed.body?.cancel();
  });

  test.each(['/%61pi/v1/databases', '/api/v1//databases', '/api/../api/v1/databases', '/metrics/', '/./metrics'])(
    '%s is no way round it',
    async (path) => {
      const response = await withToken().request(new Request(`http://127.0.0.1${path}`));
      expect([401, 404]).toContain(response.status);
    },
  );

  test('/healthz and the dashboard itself do not', async () => {
    const app = withToken();
    expect((await app.request('/healthz')).status).toBe(200);
    expect((await app.request('/', { headers: { accept: 'text/html' } })).status).not.toBe(401);
  });

  test('signing in gives a cookie that is not the token, and that lets in', async () => {
    const app = withToken();
    const answer = await signIn(app, token);
    const cookie = answer.headers.get('set-cookie') ?? '';
    expect(answer.status).toBe(200);
    expect(cookie).toMatch(/^pitcrew_session=[^;]+; Max-Age=604800; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(token);
    const [pair = ''] = cookie.split(';');
    expect((await app.request('/api/v1/databases', { headers: { cookie: pair } })).status).toBe(200);
    expect((await app.request('/api/v1/databases', { headers: { cookie: `${pair}x` } })).status).toBe(401);
    const later = pair.replace(/=\d+/, '=9999999999');
    expect((await app.request('/api/v1/databases', { headers: { cookie: later } })).status).toBe(401);
  });

  test('the cookie is Secure behind a proxy that speaks https', async () => {
    const answer = await withToken().request('https://pitcrew.example/api/v1/session', {
      method: 'POST',
      body: JSON.stringify({ token }),
      headers: { 'content-type': 'application/json' },
    });
    expect(answer.headers.get('set-cookie')).toContain('Secure');
  });

  test('signing out takes the cookie back', async () => {
    const answer = await withToken().request('/api/v1/session', { method: 'DELETE' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('set-cookie')).toMatch(/^pitcrew_session=; Max-Age=0; Path=\//);
  });

  test('ten wrong tokens are enough: then even the right one waits, and sessions go on', async () => {
    const app = withToken();
    const [pair = ''] = ((await signIn(app, token)).headers.get('set-cookie') ?? '').split(';');
    for (let i = 0; i < 10; i++) expect((await signIn(app, `wrong ${i}`)).status).toBe(401);
    const refused = await signIn(app, token);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('60');
    expect(await refused.json()).toMatchObject({ code: 'E_RATE_LIMITED' });
    expect((await app.request('/api/v1/databases', { headers: { cookie: pair } })).status).toBe(200);
  });
});

test('without a token everyone is let in, and signing in says that none is needed', async () => {
  const app = createApp(plainContext());
  expect((await app.request('/api/v1/databases')).status).toBe(200);
  expect(await (await signIn(app, 'anything')).json()).toEqual({ signedIn: true, tokenRequired: false });
});

test('addresses that are counted are bounded: the oldest are forgotten', () => {
  const attempts = createAttempts({ limit: 1, windowMs: 60_000, maxAddresses: 3 });
  for (const address of ['a', 'b', 'c', 'd']) attempts.failed(address);
  expect(attempts.waitSeconds('a')).toBe(0);
  expect(attempts.waitSeconds('d')).toBeGreaterThan(0);
});
