import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '../../../test/support/postgres.ts';
import type { OwnConnection } from './connections/connection.ts';
import { Endpoint } from './endpoint.ts';
import { resolveOptions } from './options.ts';

let database: TestDatabase;
beforeAll(async () => void (database = await testDatabase()));
afterAll(() => database[Symbol.asyncDispose]());

/** A place in the queue of an endpoint, and what becomes of it. */
function wait(endpoint: Endpoint): Promise<OwnConnection | 'moved'> {
  return new Promise((resolve, reject) => {
    endpoint.acquire({
      since: performance.now(),
      granted: resolve,
      refused: reject,
      moved: () => resolve('moved'),
    });
  });
}

test('who is about to get a connection goes elsewhere when the server is not the right one any more', async () => {
  const config = { connectionString: database.url };
  const endpoint = new Endpoint('a server', 'primary', config, resolveOptions({ pingAfterMillis: 1, min: 1 }), {
    connected: async () => {},
    hasHooks: () => false,
    closed: () => {},
    idleError: () => {},
    failed: () => true,
    again: () => {},
  });
  const connection = await wait(endpoint);
  if (connection === 'moved') throw new Error('a connection is expected');
  const idleSince = performance.now();
  endpoint.release(connection);
  await expect.poll(() => performance.now() - idleSince).toBeGreaterThan(2);

  // It is asked whether it lives, and loses its server meanwhile.
  const waiting = wait(endpoint);
  expect(endpoint.idleCount).toBe(0);
  const retired = endpoint.retire();
  endpoint.cut();
  expect(await waiting).toBe('moved');
  // Who comes only now does not meet it either.
  expect(await wait(endpoint)).toBe('moved');
  await retired;
});
