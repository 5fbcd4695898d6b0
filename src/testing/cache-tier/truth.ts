import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import type { Invalidation } from '../../client/cache/invalidation.ts';
import type { CacheTier } from '../../client/cache/tier.ts';
import { type Case, entryOf } from './support.ts';

const keys = Array.from({ length: 6 }, (_, index) => `truth:${index}:value`);
const rounds = 150;

/**
 * Readers that keep what they load, and writers that change the source and invalidate, at random. What is given must never be older
 * than what the source had when the last invalidation before the question had ended.
 */
export const truthCase: Case = {
  name: 'never gives what was invalidated before the question, with several handles at work',
  async check(handles) {
    const tiers = [...(await handles.two()), await handles.open()];
    const source = new Map(keys.map((key) => [key, 0]));
    /** Versions that are invalidated for certain, those before them with them. */
    const settled = new Map(keys.map((key) => [key, 0]));
    let given = 0;

    const read = async (tier: CacheTier, key: string) => {
      const atLeast = settled.get(key) ?? 0;
      const position = tier.position();
      const entry = await tier.get(key);
      if (entry) {
        given += 1;
        assert.ok(
          (entry.value as number) >= atLeast,
          `${key}: given ${String(entry.value)}, invalidated up to ${atLeast}`,
        );
        return;
      }
      const value = source.get(key);
      for (let turns = Math.random() * 5; turns > 0; turns -= 1) await turn();
      await tier.set(key, entryOf(value, { tags: [`tag:${key}`] }), position);
    };
    const write = async (tier: CacheTier, key: string) => {
      const version = (source.get(key) ?? 0) + 1;
      source.set(key, version);
      for (let turns = Math.random() * 3; turns > 0; turns -= 1) await turn();
      await tier.invalidate([oneOf(waysTo(key))]);
      settled.set(key, Math.max(settled.get(key) ?? 0, version));
    };
    const worker = async (tier: CacheTier) => {
      for (let round = 0; round < rounds; round += 1) {
        const work = Math.random() < 0.15 ? write : read;
        await work(tier, oneOf(keys));
      }
    };
    await Promise.all(tiers.flatMap((tier) => [worker(tier), worker(tier), worker(tier)]));
    assert.ok(given > 0, 'nothing was given at all');
  },
};

function waysTo(key: string): readonly Invalidation[] {
  return [
    { kind: 'key', key },
    { kind: 'tag', tag: `tag:${key}` },
    { kind: 'prefix', prefix: key.slice(0, key.lastIndexOf(':') + 1) },
    { kind: 'pattern', pattern: key.replace('truth', '*') },
    { kind: 'all' },
  ];
}

function oneOf<Item>(items: readonly Item[]): Item {
  return items[Math.floor(Math.random() * items.length)] as Item;
}
