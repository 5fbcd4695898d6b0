import { setInterval } from 'node:timers';
import { startServer } from '../../src/ops/embedded/index.ts';

/**
 * A process that owns a server, for tests that end it in every way: `node server-owner.ts DATA_DIR [throw|exit|return]`.
 * It prints the server's process id and URL when the server is ready, and ends when it reads a line.
 */
const [dataDir = '', how = ''] = process.argv.slice(2);
const server = await startServer({ dataDir });
process.stdout.write(`${JSON.stringify({ url: server.url() })}\n`);
const alive = setInterval(() => {}, 1000);
process.stdin.once('data', () => {
  clearInterval(alive);
  process.stdin.unref();
  if (how === 'throw') throw new Error('thrown on purpose');
  if (how === 'exit') process.exit(7);
});
