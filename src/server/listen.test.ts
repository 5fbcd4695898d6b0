import { createServer, type AddressInfo, connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { keepingLogger, plainContext, plainMonitor } from '../../test/support/plain-monitor.ts';
import { createApp, type RunningServer, startServer } from './index.ts';

const running: RunningServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function start(change: Partial<Parameters<typeof startServer>[0]> = {}): Promise<RunningServer> {
  const app = createApp(plainContext());
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    token: undefined,
    app,
    logger: keepingLogger(),
    ...change,
  });
  running.push(server);
  return server;
}

describe('addresses', () => {
  test('any free port, and its address', async () => {
    const { url, port } = await start();
    expect(url).toBe(`http://127.0.0.1:${port}`);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test.each(['0.0.0.0', '::', '10.0.0.1'])('%s without a token is refused', async (host) => {
    await expect(start({ host })).rejects.toMatchObject({
      code: 'E_UNSAFE',
      exitCode: 4,
      hint: expect.stringContaining('PITCREW_TOKEN') as string,
    });
  });

  test('every address with a token is served', async () => {
    const context = plainContext();
    const server = { ...context.config.server, host: '0.0.0.0', token: 'correct-horse-battery' };
    const app = createApp({ ...context, config: { ...context.config, server } });
    const { url } = await start({ ...server, app });
    expect((await fetch(`${url}/api/v1/databases`)).status).toBe(401);
    const headers = { authorization: 'Bearer correct-horse-battery' };
    expect((await fetch(`${url}/api/v1/databases`, { headers })).status).toBe(200);
  });

  test('a port in use is told with a way out', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(start({ port })).rejects.toMatchObject({
      code: 'E_LISTEN',
      exitCode: 3,
      message: `port ${port} is in use`,
      hint: expect.stringContaining('--port') as string,
    });
    other.close();
  });

  test('an address that this machine does not have is told', async () => {
    await expect(start({ host: '192.0.2.1', token: 'correct-horse-battery' })).rejects.toMatchObject({
      code: 'E_LISTEN',
      hint: expect.stringContaining('--host') as string,
    });
  });
});

describe('event stream', () => {
  interface Frame {
    event: string;
    data: Record<string, unknown>;
  }

  /** Reads frames until as many are there. */
  async function frames(body: ReadableStream<Uint8Array>, count: number): Promise<Frame[]> {
    const reader = body.getReader();
    let text = '';
    const found = () => [...text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)];
    while (found().length < count) {
      const { done, value } = await reader.read();
      if (done) break;
      text += new TextDecoder().decode(value);
    }
    reader.releaseLock();
    return found().map(([, event = '', data = '{}']) => ({ event, data: JSON.parse(data) as Record<string, unknown> }));
  }

  async function stream(url: string, signal?: AbortSignal) {
    const response = await fetch(url, signal === undefined ? {} : { signal });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    if (!response.body) throw new Error('no body');
    return response.body;
  }

  test('says hello, how things are, and then what happens', async () => {
    const monitor = plainMonitor('main');
    const { url } = await start({ app: createApp(plainContext({ monitors: [monitor, plainMonitor('other')] })) });
    const body = await stream(`${url}/api/v1/events?database=main`);
    const first = await frames(body, 3);
    expect(first.map(({ event, data }) => [event, data.database])).toEqual([
      ['hello', undefined],
      ['connection', 'main'],
      ['health', 'main'],
    ]);
    const at = new Date('2026-03-01T12:00:00Z');
    monitor.emit({ type: 'sample', database: 'main', collector: 'statements', at });
    monitor.emit({ type: 'connection', database: 'main', connection: 'unreachable', message: 'line\nbreak' });
    expect(await frames(body, 2)).toEqual([
      { event: 'sample', data: { type: 'sample', database: 'main', collector: 'statements', at: at.toISOString() } },
      {
        event: 'connection',
        data: { type: 'connection', database: 'main', connection: 'unreachable', message: 'line\nbreak' },
      },
    ]);
    await body.cancel();
  });

  test('a client that leaves is forgotten', async () => {
    const monitor = plainMonitor('main');
    const { url } = await start({ app: createApp(plainContext({ monitors: [monitor] })) });
    const leave = new AbortController();
    await frames(await stream(`${url}/api/v1/events`, leave.signal), 1);
    expect(monitor.listeners()).toBe(1);
    leave.abort();
    await vi.waitFor(() => expect(monitor.listeners()).toBe(0), { timeout: 20_000 });
  });

  test('a client that does not read is dropped rather than remembered for', async () => {
    const monitor = plainMonitor('main');
    const { port } = await start({ app: createApp(plainContext({ monitors: [monitor] })) });
    const socket = connect(port, '127.0.0.1');
    socket.pause();
    socket.write('GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await vi.waitFor(() => expect(monitor.listeners()).toBe(1), { timeout: 20_000 });
    // The kernel takes a few megabytes before the stream feels that nobody reads.
    const message = 'x'.repeat(10_000);
    for (let i = 0; i < 5000 && monitor.listeners() > 0; i++) {
      monitor.emit({ type: 'connection', database: 'main', connection: 'watching', message });
      if (i % 4 === 0) await new Promise((resolve) => void setImmediate(resolve));
    }
    expect(monitor.listeners()).toBe(0);
    socket.destroy();
  });

  test('HEAD opens no stream', async () => {
    const monitor = plainMonitor('main');
    const { url } = await start({ app: createApp(plainContext({ monitors: [monitor] })) });
    const response = await fetch(`${url}/api/v1/events`, { method: 'HEAD' });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    expect(monitor.listeners()).toBe(0);
  });

  test('a hundred streams are enough', async () => {
    const monitor = plainMonitor('main');
    const app = createApp(plainContext({ monitors: [monitor] }));
    const open = await Promise.all(Array.from({ length: 100 }, () => app.request('/api/v1/events')));
    expect(open.every(({ status }) => status === 200)).toBe(true);
    expect((await app.request('/api/v1/events')).status).toBe(429);
    await open[0]?.body?.cancel();
    const next = await app.request('/api/v1/events');
    expect(next.status).toBe(200);
    await Promise.all([...open.slice(1), next].map(({ body }) => body?.cancel()));
    expect(monitor.listeners()).toBe(0);
  });

  test('closing the server ends streams and idle connections at once', async () => {
    const monitor = plainMonitor('main');
    const server = await start({ app: createApp(plainContext({ monitors: [monitor] })) });
    const body = await stream(`${server.url}/api/v1/events`);
    await frames(body, 1);
    await server.close();
    expect(monitor.listeners()).toBe(0);
    const reader = body.getReader();
    let ended = false;
    while (!ended) ended = (await reader.read()).done;
    expect(ended).toBe(true);
  });
});

describe('bodies', () => {
  /** Sends a request as it is written, and gives status and body of the answer. */
  async function raw(text: string): Promise<{ status: number; body: string }> {
    const { port } = await start();
    const socket = connect(port, '127.0.0.1');
    socket.write(text);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return { status: Number(answer.slice(9, 12)), body: answer.slice(answer.indexOf('\r\n\r\n') + 4) };
  }
  const head = (method: string) => `${method} /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n`;
  const chunked = 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';

  test('a request that has none is taken without a length', async () => {
    const { status, body } = await raw(`${head('DELETE')}\r\n`);
    expect(status).toBe(200);
    expect(JSON.parse(body)).toEqual({ signedIn: false, tokenRequired: false });
  });

  test('one that comes in pieces is put together', async () => {
    const { status, body } = await raw(`${head('POST')}${chunked}5\r\n{"tok\r\n9\r\nen": "x"}\r\n0\r\n\r\n`);
    expect(status).toBe(200);
    expect(body).toContain('"signedIn":true');
  });

  test('one that comes in pieces is refused when it becomes too large', async () => {
    const piece = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const { status, body } = await raw(`${head('POST')}${chunked}${piece.repeat(9)}0\r\n\r\n`);
    expect(status).toBe(413);
    expect(body).toContain('body too large');
  });
});

describe('clients that behave badly', () => {
  const short = { headersTimeout: 100, requestTimeout: 200, keepAliveTimeout: 100, connectionsCheckingInterval: 20 };
  const head = 'POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\n';

  /** Sends a text, and more of it now and then, until the server has had enough. @returns all that it answered. */
  async function drip(port: number, text: string, drop = ''): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(text);
    const dripping = setInterval(() => drop && socket.writable && socket.write(drop), 10);
    let answer = '';
    socket.setEncoding('utf8').on('data', (more: string) => (answer += more));
    await once(socket, 'close');
    clearInterval(dripping);
    return answer;
  }

  /** Who goes on sending to a closed connection is answered with a reset, which can overtake the answer before it was read. */
  const timeoutOrReset = /^(HTTP\/1\.1 408 |$)/;

  test.each([
    ['a connection that sends nothing', '', '', /^HTTP\/1\.1 408 /],
    ['headers that never end', head, 'X-More: drop\r\n', timeoutOrReset],
    ['a line that never ends', 'GET /', 'x', timeoutOrReset],
    ['a body that never comes', `${head}Content-Length: 1000\r\n\r\n`, '', /^HTTP\/1\.1 408 /],
    ['a body that never ends', `${head}Transfer-Encoding: chunked\r\n\r\n`, '1\r\nx\r\n', timeoutOrReset],
    [
      'a connection kept for a next request',
      'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
      '',
      /^HTTP\/1\.1 200 /,
    ],
  ])('%s is cut off', async (_, text, drop, answer) => {
    const { port, url } = await start({ limits: short });
    expect(await drip(port, text, drop)).toMatch(answer);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  test('idle connections take all places only until they are cut off', async () => {
    const { port, url } = await start({ limits: { ...short, maxConnections: 5 } });
    const idle = Array.from({ length: 8 }, () => drip(port, ''));
    await vi.waitFor(async () => expect((await fetch(`${url}/healthz`)).status).toBe(200), { timeout: 10_000 });
    await Promise.all(idle);
  });

  test('an event stream on which nothing happens outlives every limit, kept alive by its heartbeat', async () => {
    const { port } = await start({ limits: { ...short, idleTimeout: 200 } });
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (more: string) => (text += more));
    socket.write('GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    // 50 ms each: more than twice as long as any limit.
    await vi.waitFor(() => expect(text.split(': alive\n\n').length).toBeGreaterThan(12), { timeout: 10_000 });
    expect(socket.readyState).toBe('open');
    socket.destroy();
  });

  test('a request without end does not hold up closing', async () => {
    const server = await start();
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{');
    await once(socket, 'connect');
    await server.close();
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow('fetch failed');
  });

  test('headers beyond 16 KiB are refused', async () => {
    const { url } = await start();
    const response = await fetch(`${url}/healthz`, { headers: { 'x-long': 'x'.repeat(20_000) } });
    expect(response.status).toBe(431);
  });

  test.each(['/%', '/%ff%fe', '//evil.example/', '/api/v1/database/queries/%00'])(
    '%s is answered without an internal error',
    async (path) => {
      const { port } = await start();
      const socket = connect(port, '127.0.0.1');
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      expect(Number(text.slice(9, 12))).toBeGreaterThanOrEqual(400);
      expect(Number(text.slice(9, 12))).toBeLessThan(500);
    },
  );
});
