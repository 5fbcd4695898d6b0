import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { TierFault } from '../support/chaos-tier.ts';
import { testFolder } from '../support/folder.ts';
import type { TruthAnswer, TruthOrder, TruthSettings } from '../support/cache-truth-child.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { forAll, freshNamespace } from './redis-support.ts';

const program = join(import.meta.dirname, '../support/cache-truth-child.ts');
const server = forAll(startRedis);

/** `CACHE_TRUTH=20` looks twenty times as long. */
const bursts = Number(process.env['CACHE_TRUTH'] ?? 1);

type Layout = readonly TruthSettings['tiers'][];

type Fleet = (order: TruthOrder) => Promise<TruthAnswer[]>;

/** Processes with these tiers, of which two and two share a machine, hence a folder. */
async function fleetOf(layout: Layout, fault?: TierFault, url = server().url): Promise<Fleet> {
  const namespace = freshNamespace();
  const folders = [testFolder(), testFolder()];
  const fleet = await Promise.all(
    layout.map(async (tiers, n) => {
      const folder = folders[tiers.includes('redis') || tiers.includes('ioredis') ? n >> 1 : 0] ?? '';
      const settings: TruthSettings = { url, sourceUrl: server().url, namespace, tiers, folder, fault };
      const child = fork(program, [JSON.stringify(settings)]);
      onTestFinished(() => dismiss(child));
      await once(child, 'message');
      return child;
    }),
  );
  return (order) => Promise.all(fleet.map((child) => answerOf(child, order)));
}

/** Has a fleet work in bursts, and checks it after each. @returns what it has found together */
async function atWork(
  fleet: Fleet,
  most: number,
  disturb = async (): Promise<void> => {},
): Promise<Pick<TruthAnswer, 'changes' | 'hits' | 'wrong'>> {
  const sum = { changes: 0, hits: 0, wrong: [] as string[] };
  for (let burst = 0; burst < most && sum.wrong.length === 0; burst += 1) {
    const [done] = await Promise.all([fleet({ do: 'work', rounds: 8 }), disturb()]);
    await fleet({ do: 'recover' });
    for (const { changes, hits } of done) {
      sum.changes += changes;
      sum.hits += hits;
    }
    for (const { wrong } of await fleet({ do: 'check' })) sum.wrong.push(...wrong);
  }
  return sum;
}

async function answerOf(child: ChildProcess, order: TruthOrder): Promise<TruthAnswer> {
  const answer = once(child, 'message');
  child.send(order);
  return ((await answer) as [TruthAnswer])[0];
}

async function dismiss(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.disconnect();
  await gone;
}

const layouts: [string, Layout][] = [
  ['Redis', Array.from({ length: 4 }, () => ['redis'])],
  ['ioredis, whose messages have their own connection', Array.from({ length: 4 }, () => ['ioredis'])],
  ['files', Array.from({ length: 3 }, () => ['file'])],
  ['Redis and the files of two machines', Array.from({ length: 4 }, () => ['redis', 'file'])],
  ['each another client and files', [['redis', 'file'], ['ioredis', 'file'], ['redis'], ['ioredis', 'file']]],
];

test.each(layouts)(
  'after changes from all sides nothing differs from the source: %s',
  async (_, layout) => {
    const { wrong, changes, hits } = await atWork(await fleetOf(layout), 25 * bursts);
    expect(wrong).toEqual([]);
    expect(changes).toBeGreaterThan(100);
    expect(hits).toBeGreaterThan(100);
  },
  300_000,
);

/** What may happen to a Redis. */
const disturbances: [string, (redis: RedisServer, admin: Redis) => Promise<unknown>][] = [
  ['cut off', (_, admin) => admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')],
  ['without subscribers', (_, admin) => admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')],
  [
    'still',
    async (redis) => {
      redis.freeze();
      await delay(300);
      redis.thaw();
    },
  ],
  ['emptied', (_, admin) => admin.flushall()],
  [
    'restarted',
    async (redis) => {
      await redis.stop();
      await redis.start();
    },
  ],
];

test('nothing differs from the source once all is well again, whatever happens to Redis in the middle of the work', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis[Symbol.asyncDispose]());
  const admin = new Redis(redis.url, { maxRetriesPerRequest: null });
  admin.on('error', () => {});
  onTestFinished(() => admin.disconnect());
  const fleet = await fleetOf(
    [['redis', 'file'], ['ioredis', 'file'], ['redis'], ['redis', 'file']],
    undefined,
    redis.url,
  );
  const happened: string[] = [];
  const { wrong, changes, hits } = await atWork(fleet, disturbances.length * bursts, async () => {
    const [what, disturb] = disturbances[happened.length % disturbances.length] ?? [];
    await delay(Math.random() * 50);
    await disturb?.(redis, admin);
    happened.push(String(what));
  });
  expect({ happened, wrong }).toMatchObject({ wrong: [] });
  expect(changes).toBeGreaterThan(50);
  expect(hits).toBeGreaterThan(50);
}, 300_000);

test.each<TierFault>(['keeps what is late', 'tells nobody', 'forgets tags'])(
  'with a tier that %s something does: this test can fail',
  async (fault) => {
    const { wrong } = await atWork(await fleetOf([['redis'], ['redis'], ['redis'], ['redis']], fault), 200);
    expect(wrong.length).toBeGreaterThan(0);
  },
  300_000,
);

test.each(layouts)(
  'of what is set from all sides at once nobody is given another value than others: %s',
  async (_, layout) => {
    const fleet = await fleetOf(layout);
    let given = 0;
    for (let burst = 0; burst < 15 * bursts; burst += 1) {
      await fleet({ do: 'set', rounds: 3 });
      const values = new Map<string, Set<unknown>>();
      for (const { held } of await fleet({ do: 'tell' })) {
        for (const [key, value] of Object.entries(held)) values.set(key, (values.get(key) ?? new Set()).add(value));
      }
      expect([...values].filter(([, each]) => each.size > 1)).toEqual([]);
      given += values.size;
    }
    expect(given).toBeGreaterThan(30);
  },
  300_000,
);
