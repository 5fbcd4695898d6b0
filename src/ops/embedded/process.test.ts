import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../../test/support/folder.ts';
import { freePort } from './port.ts';
import { launch } from './process.ts';
import { preparePrograms, startServer } from './server.ts';

test('a port that another program takes between choosing and starting is given up for the next', async () => {
  await using folder = temporaryFolder();
  const dataDir = join(folder.path, 'data');
  await (await startServer({ dataDir, settings: { fsync: 'off' } })).stop('immediate');
  const prepared = await preparePrograms(dataDir, undefined);
  const taken: number[] = [];
  const other = createServer();
  const launched = launch({
    ...prepared,
    dataDir,
    port: undefined,
    async choosePort() {
      const port = await freePort();
      if (taken.length > 0) return port;
      await once(other.listen(port, '127.0.0.1'), 'listening');
      taken.push(port);
      return port;
    },
  });
  const server = await launched.finally(() => other.close());
  expect(taken).toHaveLength(1);
  expect(taken).not.toContain(server.port);
  await server.stop('immediate');
});
