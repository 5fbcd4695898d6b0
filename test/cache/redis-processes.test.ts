import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { createClient } from 'redis';
import { expect, onTestFinished, test } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { forAll, freshNamespace } from './redis-support.ts';

const server = forAll(startRedis);

interface Found {
  hits: number;
  misses: number;
  kept: number;
  wrong: number;
  failed: number;
}

/** Processes at work on the same entries, one for each library given. @returns what they have found together */
async function processes(libraries: string[], rounds: number, fences: 'fenced' | 'unfenced'): Promise<Found> {
  const namespace = freshNamespace();
  const found = await Promise.all(
    libraries.map(async (library) => {
      const args = [
        fileURLToPath(new URL('redis-child.ts', import.meta.url)),
        server().url,
        namespace,
        String(rounds),
        library,
        fences,
      ];
      const child = spawn(process.execPath, ['--no-warnings', ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
      onTestFinished(() => void child.kill('SIGKILL'));
      const [printed] = await Promise.all([text(child.stdout), once(child, 'close')]);
      return JSON.parse(printed) as Found;
    }),
  );
  const sum = (name: keyof Found) => found.reduce((total, each) => total + each[name], 0);
  return { hits: sum('hits'), misses: sum('misses'), kept: sum('kept'), wrong: sum('wrong'), failed: sum('failed') };
}

test('several processes at once are never given what was invalidated before they asked', async () => {
  const found = await processes(['redis', 'redis', 'ioredis'], 250, 'fenced');
  expect(found).toMatchObject({ wrong: 0, failed: 0 });
  expect(found.hits).toBeGreaterThan(500);
  expect(found.kept).toBeGreaterThan(100);
});

test('nor while their connections are cut again and again', async () => {
  const own = createClient({ url: server().url });
  await own.connect();
  let cuts = 0;
  const cutting = setInterval(async () => {
    if (Number(await own.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub', 'SKIPME', 'yes'])) > 0) cuts += 1;
    // Not for ever: a busy machine needs longer to connect again.
    if (cuts >= 15) clearInterval(cutting);
  }, 100);
  onTestFinished(() => {
    clearInterval(cutting);
    own.destroy();
  });
  const found = await processes(['redis', 'redis', 'ioredis'], 150, 'fenced');
  expect(found.wrong).toBe(0);
  expect(found.failed).toBeGreaterThan(0);
  expect(found.hits).toBeGreaterThan(100);
});

test('without positions from before the load they are: these tests can fail', async () => {
  const found = await processes(['redis', 'redis'], 200, 'unfenced');
  expect(found.wrong).toBeGreaterThan(0);
});
