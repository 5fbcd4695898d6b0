import { Redis } from 'ioredis';
import { redisTier } from '../../src/client/cache/redis/index.ts';
import type { Invalidation } from '../../src/client/cache/invalidation.ts';

/**
 * A process that reads, loads, changes and invalidates as others do beside it, and holds what it is given against the truth: numbers in
 * Redis that only go up, and beside each the highest number whose invalidation was complete.
 * Arguments: URL, namespace, how many rounds, `redis` or `ioredis`, `fenced` or `unfenced`. Prints what it has found as JSON.
 */
const [url = '', namespace = '', rounds = '0', library = '', fences = ''] = process.argv.slice(2);
const source = new Redis(url);
const client = new Redis(url, { lazyConnect: true });
const tier = redisTier({ ...(library === 'ioredis' ? { client } : { url }), namespace, timeout: 5000 });
// Connections may be cut from the start.
for (let ready = false; !ready;) {
  ready = await tier.invalidate([]).then(
    () => true,
    () => new Promise<false>((resolve) => setTimeout(resolve, 20, false)),
  );
}

const truth = (n: number) => `${namespace}:truth:${n}`;
const known = (n: number) => `${namespace}:known:${n}`;
const raise =
  "if tonumber(redis.call('GET', KEYS[1]) or 0) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end";
const keyOf = (n: number) => `item:${n}:value`;
const tagsOf = (n: number) => [`tag:${n}`, 'items'];
const pick = (n: number) => Math.floor(Math.random() * n);
const found = { hits: 0, misses: 0, kept: 0, wrong: 0, failed: 0 };

function invalidationOf(n: number): Invalidation {
  const way = pick(20);
  if (way < 8) return { kind: 'key', key: keyOf(n) };
  if (way < 14) return { kind: 'tag', tag: `tag:${n}` };
  if (way < 17) return { kind: 'prefix', prefix: `item:${n}:` };
  if (way < 19) return { kind: 'pattern', pattern: `*:${n}:v*` };
  return { kind: 'all' };
}

async function change(n: number): Promise<void> {
  const value = await source.incr(truth(n));
  await tier.invalidate([invalidationOf(n)]);
  await source.eval(raise, 1, known(n), value);
}

async function read(n: number): Promise<void> {
  const atLeast = Number(await source.get(known(n)));
  const given = pick(2) ? await tier.get(keyOf(n)) : (await tier.getMany(['none', keyOf(n)])).get(keyOf(n));
  if (given) {
    found.hits += 1;
    if (Number(given.value) < atLeast) found.wrong += 1;
    return;
  }
  found.misses += 1;
  const before = tier.position();
  const value = Number(await source.get(truth(n)));
  if (pick(2)) await new Promise((resolve) => setTimeout(resolve, pick(4)));
  const position = fences === 'fenced' ? before : tier.position();
  const now = Date.now();
  const entry = {
    value,
    createdAt: now,
    freshUntil: now + 60_000,
    keptUntil: now + 60_000,
    tags: tagsOf(n),
    loadMs: 1,
  };
  if (await tier.set(keyOf(n), entry, position)) found.kept += 1;
}

async function work(): Promise<void> {
  for (let round = 0; round < Number(rounds); round += 1) {
    const n = pick(6);
    // An invalidation that was not taken is to be repeated until it is.
    for (let done = false; !done;) {
      try {
        await (pick(5) === 0 ? change(n) : read(n));
        done = true;
      } catch {
        found.failed += 1;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
}

await Promise.all(Array.from({ length: 8 }, work));
process.stdout.write(JSON.stringify(found));
await tier.close();
source.disconnect();
