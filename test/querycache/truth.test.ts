import { expect, test } from 'vitest';
import { needsRedis } from '../cache/redis-support.ts';
import { startRedis } from '../support/redis.ts';
import { checkTruth } from '../support/truth/checker.ts';
import { truthServers } from '../support/truth/servers.ts';

needsRedis();

// The short form of `npm run bench -- cache-truth`, which says more.
test('several processes with Redis and a synchronous standby, whatever happens to them: nothing wrong is left', async () => {
  await using servers = await truthServers({ standbyMs: 5 });
  await using redis = await startRedis();
  const outcome = await checkTruth({
    servers,
    redis,
    until: ({ round }) => round >= 2,
    roundMs: 1500,
    disturbances: ['cut stream', 'kill process', 'freeze process', 'restart redis', 'change definitions'],
    seed: 1,
  });
  expect(outcome).toMatchObject({ wrong: [], stale: [], backwards: [] });
  expect(outcome.compared).toBeGreaterThan(500);
  expect(outcome.comparedInTier).toBeGreaterThan(100);
  expect(outcome.ownReads).toBeGreaterThan(0);
}, 120_000);
