// The cache beside its peers, each in a process of its own. `--quick`: one short round.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { floorName, type SubjectName, subjects } from '../support/cache/subjects.ts';
import type { Turn, TurnResult } from '../support/cache/worker.ts';
import { rawName, redisSubjects } from '../support/cache/redis-subjects.ts';
import type { RedisTurn, RedisTurnResult } from '../support/cache/redis-worker.ts';
import { startRedis } from '../../test/support/redis.ts';
import { orderOf } from '../support/pool/plan.ts';
import { Readings } from '../support/readings.ts';
import { atLeast, atMost, type BenchAim, type BenchResult } from '../support/result.ts';
import { startWorker } from '../support/worker-process.ts';

const root = join(import.meta.dirname, '../..');
const program = join(import.meta.dirname, '../support/cache/worker.ts');
const redisProgram = join(import.meta.dirname, '../support/cache/redis-worker.ts');
const names = Object.keys(subjects) as SubjectName[];
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const titles = {
  hit: 'tagged hit in memory',
  sync: 'hit without a promise',
  tag: 'invalidate a tag of 1,000,000',
  skewed: 'hits of a skewed load',
  get: 'get from Redis, 100 callers',
  getMany: 'get 100 from Redis, 4 callers',
};

export async function run(args: string[]): Promise<Pick<BenchResult, 'versions' | 'rows' | 'aims'>> {
  const { values } = parseArgs({
    args,
    options: { json: { type: 'boolean' }, markdown: { type: 'boolean' }, quick: { type: 'boolean', default: false } },
  });
  const readings = new Readings();
  const rounds = values.quick ? 1 : 7;
  const measureMs = values.quick ? 200 : 1000;
  for (let round = 0; round < rounds; round++) {
    for (const name of orderOf(names, round, rounds)) await measure(name, measureMs, readings);
    const speeds = names.map((name) => `${name} ${readings.last(titles.hit, name, 'gets')?.toFixed(0)}`);
    say(`round ${round + 1} of ${rounds}: ${speeds.join(' · ')}`);
  }
  await measureRedis(rounds, measureMs, readings);
  return { versions: versionsOf(), rows: readings.rows(), aims: aimsOf(readings) };
}

async function measureRedis(rounds: number, measureMs: number, readings: Readings): Promise<void> {
  await using redis = await startRedis();
  const subjectNames = Object.keys(redisSubjects);
  const workers = new Map(
    subjectNames.map((name) => [
      name,
      startWorker<RedisTurn, RedisTurnResult>(redisProgram, name, { REDIS_URL: redis.url }, undefined),
    ]),
  );
  for (const worker of workers.values()) await worker.run({ case: 'get', measureMs });
  for (let round = 0; round < rounds; round++) {
    for (const what of ['get', 'getMany'] as const) {
      for (const name of orderOf(subjectNames, round, rounds)) {
        const result = await workers.get(name)?.run({ case: what, measureMs });
        if (!result) continue;
        readings.add(titles[what], name, 'gets', '1/s', result.perSecond);
        readings.failed(name, result.errors);
      }
    }
  }
  await Promise.all([...workers.values()].map((worker) => worker.stop()));
}

/** All cases of a subject, in a new process: what one round leaves on the heap is not the next one's. */
async function measure(name: SubjectName, measureMs: number, readings: Readings): Promise<void> {
  const worker = startWorker<Turn, TurnResult>(program, name, {}, undefined);
  // Code is compiled while it runs for the first time.
  for (const what of ['hit', 'sync'] as const) await worker.run({ case: what, measureMs: measureMs / 4 });
  for (const what of ['hit', 'sync', 'tag', 'skewed'] as const) {
    const { value, errors } = await worker.run({ case: what, measureMs });
    readings.failed(name, errors);
    if (value === undefined) continue;
    if (what === 'tag') readings.add(titles[what], name, 'time', 'ms', value);
    else if (what === 'skewed') readings.add(titles[what], name, 'share', '', value);
    else readings.add(titles[what], name, 'gets', '1/s', value);
  }
  await worker.stop();
}

function aimsOf(readings: Readings): BenchAim[] {
  const hit = readings.ratio(titles.hit, 'gets', 'Pitcrew', floorName) ?? Number.NaN;
  const sync = readings
    .values(titles.sync, 'Pitcrew', 'gets')
    .map((value, round) => value / (readings.values(titles.hit, floorName, 'gets')[round] ?? Number.NaN));
  const tag = readings.values(titles.tag, 'Pitcrew', 'time');
  return [
    atLeast(`${titles.hit}: Pitcrew / ${floorName}`, 0.5, hit),
    atLeast(
      `${titles.sync}: Pitcrew / ${floorName}`,
      2,
      sync.toSorted((a, b) => a - b)[sync.length >> 1] ?? Number.NaN,
    ),
    atMost(`${titles.tag} members: Pitcrew, ms`, 1, Math.max(...tag)),
    atLeast(`${titles.skewed}: Pitcrew`, 0.9, Math.min(...readings.values(titles.skewed, 'Pitcrew', 'share'))),
    ...(['get', 'getMany'] as const).map((what) =>
      atLeast(
        `${titles[what]}: Pitcrew / ${rawName}`,
        0.9,
        readings.ratio(titles[what], 'gets', 'Pitcrew', rawName) ?? Number.NaN,
      ),
    ),
    atMost('errors of all subjects', 0, readings.errors),
  ];
}

function versionsOf(): Record<string, string> {
  const versionOf = (folder: string): string =>
    (JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as { version: string }).version;
  return {
    pitcrew: versionOf('.'),
    ...Object.fromEntries(
      ['lru-cache', 'redis', 'cacheable', 'cache-manager', 'async-cache-dedupe'].map((name) => [
        name,
        versionOf(`node_modules/${name}`),
      ]),
    ),
    ...Object.fromEntries(
      ['bentocache', 'layered-loader'].map((name) => [name, versionOf(`bench/node_modules/${name}`)]),
    ),
    node: process.versions.node,
  };
}
