/**
 * A process that works on a file tier: asks its parent for the truth, keeps it, changes it, invalidates, and reports what
 * it was given. To be killed at any moment.
 */
import type { Entry } from '../../src/client/cache/entry.ts';
import { fileTier } from '../../src/client/cache/file/index.ts';
import type { Invalidation } from '../../src/client/cache/invalidation.ts';

/** What child and parent say to each other; a question has a number, and so has its answer. */
export type Question =
  | { ask: 'truth' | 'settled' | 'change'; key: string }
  | { ask: 'settle'; key: string; version: number }
  | { ask: 'given'; key: string; version: number; atLeast: number; isWhole: boolean };

export const keys: readonly string[] = Array.from({ length: 8 }, (_, index) => `item:${index}:value`);

/** What is kept of a version: from nothing to some 200 kB, so that a part of it would be noticed. */
export function contentOf(key: string, version: number): { key: string; version: number; filler: string } {
  const length = (version * 7919 + key.length * 104_729) % 200_000;
  return { key, version, filler: `${key}/${version};`.repeat(Math.ceil(length / 16)) };
}

const [folder] = process.argv.slice(2);
if (process.send && folder !== undefined) await work(folder);

async function work(shared: string): Promise<void> {
  const tier = fileTier({ folder: shared, pollMs: 5, maxJournalBytes: 20_000, compressAbove: 100_000 });
  const waiting = new Map<number, (answer: number) => void>();
  let asked = 0;
  process.on('message', ([number, answer]: [number, number]) => {
    waiting.get(number)?.(answer);
    waiting.delete(number);
  });
  process.on('disconnect', () => process.exit());
  const ask = (question: Question): Promise<number> => {
    asked += 1;
    const { promise, resolve } = Promise.withResolvers<number>();
    waiting.set(asked, resolve);
    process.send?.([asked, question]);
    return promise;
  };

  const read = async (key: string) => {
    const atLeast = await ask({ ask: 'settled', key });
    const position = tier.position();
    const entry = await tier.get(key);
    if (entry) {
      const { version } = entry.value as { version: number };
      const isWhole = JSON.stringify(entry.value) === JSON.stringify(contentOf(key, version));
      await ask({ ask: 'given', key, version, atLeast, isWhole });
      return;
    }
    const version = await ask({ ask: 'truth', key });
    await tier.set(key, entryOf(contentOf(key, version), [key]), position);
  };
  const change = async (key: string) => {
    const version = await ask({ ask: 'change', key });
    await tier.invalidate([oneOf(waysTo(key))]);
    await ask({ ask: 'settle', key, version });
  };
  const worker = async () => {
    for (;;) await (Math.random() < 0.1 ? change : read)(oneOf(keys));
  };
  tier.onHeard(() => {});
  await Promise.all([worker(), worker(), worker()]);
}

function waysTo(key: string): readonly Invalidation[] {
  return [
    { kind: 'key', key },
    { kind: 'tag', tag: key },
    { kind: 'prefix', prefix: key.slice(0, key.lastIndexOf(':') + 1) },
    { kind: 'pattern', pattern: `*${key.slice(4)}` },
    { kind: 'all' },
  ];
}

function entryOf(value: unknown, tags: readonly string[]): Entry {
  const now = Date.now();
  return { value, tags, createdAt: now, freshUntil: now + 60_000, keptUntil: now + 60_000, loadMs: 0 };
}

function oneOf<Item>(items: readonly Item[]): Item {
  return items[Math.floor(Math.random() * items.length)] as Item;
}
