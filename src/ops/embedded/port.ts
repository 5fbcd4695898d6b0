import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below those that systems give to programs that ask for any: on Linux from 32768, elsewhere from 49152. */
const range = { first: 20_000, last: 32_767 };
const attempts = 100;

/**
 * A port on 127.0.0.1 that nobody listens on at this moment. It is none that the system gives away by itself: a server that is
 * stopped for a moment finds it free again.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    // Who fails to listen there learns that somebody else does, or that it may not be used.
    const port = await listening(randomInt(range.first, range.last + 1)).catch(() => undefined);
    if (port !== undefined) return port;
  }
  return listening(0);
}

function listening(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
