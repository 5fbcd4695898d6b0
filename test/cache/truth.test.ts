import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { TierFault } from '../support/chaos-tier.ts';
import { testFolder } from '../support/folder.ts';
import type { TruthAnswer, TruthOrder, TruthSettings } from '../support/cache-truth-child.ts';
import { startRedis } from '../support/redis.ts';
import { forAll, freshNamespace } from './redis-support.ts';

const program = join(import.meta.dirname, '../support/cache-truth-child.ts');
const server = forAll(startRedis);

type Layout = readonly TruthSettings['tiers'][];

/** Processes with these tiers, of which two and two share a machine, hence a folder. @returns what they have found together */
async function atWork(layout: Layout, bursts: number, fault?: TierFault): Promise<TruthAnswer> {
  const namespace = freshNamespace();
  const folders = [testFolder(), testFolder()];
  const fleet = await Promise.all(
    layout.map(async (tiers, n) => {
      const folder = folders[tiers.includes('redis') || tiers.includes('ioredis') ? n >> 1 : 0] ?? '';
      const settings: TruthSettings = { url: server().url, namespace, tiers, folder, fault };
      const child = fork(program, [JSON.stringify(settings)]);
      onTestFinished(() => dismiss(child));
      await once(child, 'message');
      return child;
    }),
  );
  const sum: TruthAnswer = { loads: 0, hits: 0, changes: 0, wrong: [] };
  const all = async (order: TruthOrder): Promise<void> => {
    const answers = await Promise.all(fleet.map((child) => answerOf(child, order)));
    for (const { loads, hits, changes, wrong } of answers) {
      sum.loads += loads;
      sum.hits += hits;
      sum.changes += changes;
      sum.wrong.push(...wrong);
    }
  };
  for (let burst = 0; burst < bursts; burst += 1) {
    await all({ do: 'work', rounds: 8 });
    await all({ do: 'check' });
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

test.each<[string, Layout]>([
  ['Redis', Array.from({ length: 4 }, () => ['redis'])],
  ['ioredis, whose messages have their own connection', Array.from({ length: 4 }, () => ['ioredis'])],
  ['files', Array.from({ length: 3 }, () => ['file'])],
  ['Redis and the files of two machines', Array.from({ length: 4 }, () => ['redis', 'file'])],
  ['each another client and files', [['redis', 'file'], ['ioredis', 'file'], ['redis'], ['ioredis', 'file']]],
])('after changes from all sides nothing differs from the source: %s', async (_, layout) => {
  const { wrong, changes, hits, loads } = await atWork(layout, Number(process.env['BURSTS'] ?? 25));
  console.log({ changes, hits, loads, wrong: wrong.length });
  expect(wrong).toEqual([]);
  expect(changes).toBeGreaterThan(100);
  expect(hits).toBeGreaterThan(100);
}, 300_000);

test.each<TierFault>(['keeps what is late', 'tells nobody', 'forgets tags'])('with a tier that %s something does: this test can fail', async (fault) => {
  const { wrong } = await atWork(Array.from({ length: 4 }, () => ['redis', 'file']), 10, fault);
  expect(wrong.length).toBeGreaterThan(0);
}, 300_000);
