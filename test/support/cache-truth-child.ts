/**
 * A process of a fleet that reads through a cache what others change beside it. Told by messages to work for a while, and then, when nobody
 * works any more, to hold all that its cache gives against the source: numbers in Redis that only go up.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { type CacheTier, createCache, fileTier, redisTier } from '../../src/client/cache/index.ts';
import { chaosTier, type TierFault } from './chaos-tier.ts';

export interface TruthSettings {
  url: string;
  /** Where the source is; it has a Redis of its own where that of the cache is to fail. */
  sourceUrl: string;
  namespace: string;
  /** Which tiers there are, the quickest first. */
  tiers: readonly ('redis' | 'ioredis' | 'file')[];
  /** Of the file tier: processes of one machine share it. */
  folder: string;
  /** What the tiers do wrong. */
  fault?: TierFault | undefined;
}

export type TruthOrder =
  /** Reads, and changes the source. */
  | { do: 'work'; rounds: number }
  /** Puts values of its own into the cache. */
  | { do: 'set'; rounds: number }
  /** Waits until all tiers are there again. */
  | { do: 'recover' }
  /** Holds what there is against the source. */
  | { do: 'check' }
  /** Says what there is. */
  | { do: 'tell' };

export interface TruthAnswer {
  /** Values that were loaded. */
  loads: number;
  hits: number;
  changes: number;
  /** What differs from the source, in words. */
  wrong: string[];
  /** What there is, by key. */
  held: Record<string, unknown>;
}

const keys = Array.from({ length: 8 }, (_, n) => `item:${n}:value`);
const callers = 6;
const { url, sourceUrl, namespace, tiers: names, folder, fault } = JSON.parse(process.argv[2] ?? '') as TruthSettings;
const source = new Redis(sourceUrl);
const mostMs = 4;

function tierOf(name: TruthSettings['tiers'][number]): CacheTier {
  const tier =
    name === 'file'
      ? fileTier({ folder, pollMs: 5 })
      : redisTier({
          namespace,
          timeout: sourceUrl === url ? 20_000 : 100,
          ...(name === 'redis' ? { url } : { client: new Redis(url, { lazyConnect: true }) }),
        });
  return chaosTier(tier, { mostMs, fault });
}

const cache = createCache({ tiers: names.map(tierOf), jitter: 0 });
const pick = (n: number): number => Math.floor(Math.random() * n);
const pause = (): Promise<void> => (pick(2) ? delay(pick(mostMs)) : Promise.resolve());
const sourceOf = (key: string): string => `${namespace}-source:${key}`;
const tagsOf = (key: string): string[] => [`tag:${key}`, 'items'];
const nothingDone = (): TruthAnswer => ({ loads: 0, hits: 0, changes: 0, wrong: [], held: {} });
let done = nothingDone();

async function load(key: string): Promise<number> {
  done.loads += 1;
  await pause();
  const value = Number(await source.get(sourceOf(key)));
  await pause();
  return value;
}

async function read(key: string): Promise<void> {
  const before = done.loads;
  const loader = ({ key: wanted }: { key: string }): Promise<number> => load(wanted);
  // Tags may be known before the load, or after it.
  const tags = pick(2) ? tagsOf(key) : () => tagsOf(key);
  const way = pick(10);
  if (way < 5) await cache.remember(key, '1h', loader, { tags });
  else if (way < 6) await cache.get(key);
  else if (way < 7) await cache.getMany([key, 'none']);
  else if (way < 8) await cache.refresh(key, '1h', loader, { tags });
  else if (way < 9) await cache.remember(key, 1, loader, { tags, grace: '1h', staleWhileRevalidate: true });
  else {
    await cache.rememberMany(
      [key],
      '1h',
      async (missing) => new Map(await Promise.all(missing.map(async (each) => [each, await load(each)] as const))),
      { tags },
    );
  }
  if (done.loads === before) done.hits += 1;
}

async function change(key: string): Promise<void> {
  await source.incr(sourceOf(key));
  done.changes += 1;
  await pause();
  const way = pick(20);
  if (way < 7) await cache.delete(key);
  else if (way < 14) await cache.invalidateTags(`tag:${key}`);
  else if (way < 17) await cache.invalidatePattern(key.replace(/value$/, '*'));
  else if (way < 19) await cache.invalidatePattern(key.replace(/^item/, '*'));
  else await cache.clear();
}

async function work(rounds: number): Promise<void> {
  const caller = async (): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      const key = keys[pick(keys.length)] ?? '';
      await (pick(6) === 0 ? change(key) : read(key));
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  await cache.settled();
}

/** The heaviest thing that may be left to do is to tell a tier what it has missed: it is used again after that. */
async function recover(): Promise<void> {
  for (let isThere = false; !isThere;) {
    await cache.has('nothing');
    isThere = cache.stats().tiers.every(({ isAway }) => !isAway);
    if (!isThere) await delay(20);
  }
}

async function check(): Promise<void> {
  // Whoever asks a tier has heard of all that was invalidated before.
  await cache.has('nothing');
  for (const key of keys) {
    const value = Number(await source.get(sourceOf(key)));
    const peeked = cache.peek<number>(key);
    const found = await cache.get<number>(key);
    if (peeked !== undefined && peeked !== value) done.wrong.push(`${key} in memory: ${peeked}, not ${value}`);
    else if (found !== undefined && found !== value) done.wrong.push(`${key} in a tier: ${found}, not ${value}`);
  }
}

async function set(rounds: number): Promise<void> {
  const caller = async (): Promise<void> => {
    for (let round = 0; round < rounds; round += 1) {
      const key = keys[pick(keys.length)] ?? '';
      done.changes += 1;
      if (pick(3)) await cache.set(key, randomUUID(), { ttl: '1h', tags: tagsOf(key) });
      else
        await cache.setMany(
          [
            [key, randomUUID()],
            [keys[0] ?? '', randomUUID()],
          ],
          { ttl: '1h' },
        );
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

async function tell(): Promise<void> {
  await cache.has('nothing');
  for (const key of keys) done.held[key] = await cache.get(key);
}

const orders = {
  work,
  set,
  recover,
  check,
  tell,
};

process.on('message', (order: TruthOrder) => {
  done = nothingDone();
  void orders[order.do](order.do === 'work' || order.do === 'set' ? order.rounds : 0).then(() => process.send?.(done));
});
process.on('disconnect', () => void cache.close().then(() => process.exit()));
// Connected before the first order.
await recover();
process.send?.('ready');
