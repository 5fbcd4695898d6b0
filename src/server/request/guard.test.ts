import { describe, expect, test } from 'vitest';
import { plainContext } from '../../../test/support/plain-monitor.ts';
import { createApp } from '../index.ts';
import { isLoopback } from './guard.ts';

const app = createApp(plainContext());

test.each([
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['localhost', true],
  ['::1', true],
  ['[::1]', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.1.7', false],
  ['127.0.0.1.evil.example', false],
  ['localhost.evil.example', false],
])('%s on this machine only: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

describe('host names', () => {
  const ask = (host: string) => app.request('http://127.0.0.1:7432/api/v1/databases', { headers: { host } });

  test.each(['127.0.0.1:7432', 'localhost:7432', 'LOCALHOST', '[::1]:7432'])('%s is served', async (host) => {
    expect((await ask(host)).status).toBe(200);
  });

  test.each(['evil.example', 'evil.example:7432', 'localhost.evil.example', '10.0.0.7:7432'])(
    '%s is not',
    async (host) => {
      const response = await ask(host);
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ code: 'E_FORBIDDEN' });
    },
  );

  test('with a token every name is served', async () => {
    const context = plainContext();
    const server = { ...context.config.server, token: 'correct-horse-battery' };
    const open = createApp({ ...context, config: { ...context.config, server } });
    const headers = { host: 'pitcrew.example', authorization: 'Bearer correct-horse-battery' };
    expect((await open.request('/api/v1/databases', { headers })).status).toBe(200);
  });
});

describe('changes asked for by other sites', () => {
  const sign = (headers: Record<string, string>) =>
    app.request('http://127.0.0.1:7432/api/v1/session', {
      method: 'DELETE',
      headers: { host: '127.0.0.1:7432', ...headers },
    });

  test.each([
    [{}, 200],
    [{ 'sec-fetch-site': 'same-origin' }, 200],
    [{ 'sec-fetch-site': 'none' }, 200],
    [{ origin: 'http://127.0.0.1:7432' }, 200],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'sec-fetch-site': 'cross-site', origin: 'http://127.0.0.1:7432' }, 403],
    [{ origin: 'http://127.0.0.1:3000' }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
  ] as [Record<string, string>, number][])('%j: %d', async (headers, status) => {
    expect((await sign(headers)).status).toBe(status);
  });
});
