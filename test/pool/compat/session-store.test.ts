import connectPgSimple from 'connect-pg-simple';
import session from 'express-session';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Pool } from '../../../src/index.ts';
import { type TestDatabase, testDatabase } from '../../support/postgres.ts';

let database: TestDatabase;
let pool: Pool;
let store: InstanceType<ReturnType<typeof connectPgSimple>>;
let server: Server;
let address: string;

type SessionRequest = IncomingMessage & {
  session: { visits?: number; destroy(done: (error?: unknown) => void): void };
};
type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

beforeAll(async () => {
  database = await testDatabase();
  pool = new Pool({ connectionString: database.url });
  const Store = connectPgSimple(session);
  store = new Store({ pool, createTableIfMissing: true, pruneSessionInterval: 60 });
  const middleware = session({
    store,
    secret: 'test',
    resave: false,
    saveUninitialized: false,
  }) as unknown as Middleware;
  server = createServer((request, response) => {
    middleware(request, response, (error) => {
      if (error) {
        response.writeHead(500).end(String(error));
        return;
      }
      const { session: own } = request as SessionRequest;
      if (request.url === '/leave') {
        own.destroy(() => response.end('left'));
        return;
      }
      own.visits = (own.visits ?? 0) + 1;
      response.end(String(own.visits));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await store.close();
  expect(pool.ended).toBe(false);
  await pool.end();
  await database[Symbol.asyncDispose]();
});

/** A visitor who keeps the cookie of the first answer. */
async function visitor(): Promise<(path?: string) => Promise<string>> {
  const first = await fetch(address);
  expect(await first.text()).toBe('1');
  const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? '';
  return async (path = '/') => (await fetch(`${address}${path}`, { headers: { cookie } })).text();
}

test('each visitor has a session, from request to request', async () => {
  const [one, ...others] = await Promise.all(Array.from({ length: 20 }, visitor));
  if (!one) throw new Error('no visitor');
  for (let visit = 2; visit < 8; visit++) expect(await one()).toBe(String(visit));
  expect(await Promise.all(others.map((visit) => visit()))).toEqual(others.map(() => '2'));
  expect((await database.query('SELECT * FROM session')).length).toBe(20);
  expect(await one('/leave')).toBe('left');
  expect((await database.query('SELECT * FROM session')).length).toBe(19);
  expect(await one()).toBe('1');
});
