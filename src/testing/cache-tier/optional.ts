import assert from 'node:assert/strict';
import type { CacheTier, Lease } from '../../client/cache/tier.ts';
import { type Case, oddTexts } from './support.ts';

/** What a tier may leave out; then these have nothing to check. */
export const optionalCases: Case[] = [
  {
    name: 'counts atomically across handles, where it counts',
    async check(handles) {
      const [one, other] = await handles.two();
      const { increment } = one;
      if (!increment) return;
      const add = (tier: CacheTier, key: string, by: number, ttlMs = 60_000) => increment.call(tier, key, by, ttlMs);
      const counts = await Promise.all(Array.from({ length: 100 }, (_, i) => add(i % 2 ? one : other, 'counter', 1)));
      assert.deepEqual(
        counts.toSorted((a, b) => a - b),
        Array.from({ length: 100 }, (_, i) => i + 1),
      );
      assert.equal(await add(one, 'counter', -30), 70);
      assert.equal(await add(other, 'counter', 0), 70);
      for (const [index, key] of oddTexts.entries()) assert.equal(await add(one, key, index), index);
      assert.equal(await add(one, 'short', 5, 20), 5);
      await handles.eventually(async () => (await add(other, 'short', 0, 20)) === 0, 'a counter ends with its time');
      assert.ok(one.endCounters, 'a tier that counts can end counters');
      await one.endCounters(['counter', ...oddTexts.slice(1), 'nothing']);
      assert.equal(await add(other, 'counter', 1), 1);
      for (const key of oddTexts.slice(1)) assert.equal(await add(one, key, 1), 1);
      await one.endCounters([]);
    },
  },
  {
    name: 'leases a key to one handle at a time, where it leases',
    async check(handles) {
      const [one, other] = await handles.two();
      const { lease } = one;
      if (!lease) return;
      const take = (tier: CacheTier, ttlMs: number) => lease.call(tier, 'key', ttlMs);
      const first = await take(one, 60_000);
      assert.ok(first, 'a lease that nobody has');
      assert.equal(await take(other, 60_000), undefined);
      assert.equal(await take(one, 60_000), undefined);
      assert.ok(await lease.call(other, 'another key', 60_000), 'of another key');
      await first.release();
      const short = await take(other, 20);
      assert.ok(short, 'a lease that was given up');
      assert.ok(short.token > first.token, 'tokens rise');
      let last: Lease | undefined;
      await handles.eventually(
        async () => (last = await take(one, 60_000)) !== undefined,
        'a lease ends with its time',
      );
      assert.ok(last && last.token > short.token, 'tokens rise');
      await short.release();
      assert.equal(await take(other, 60_000), undefined, 'giving up a lease that is over must not end the next');
    },
  },
];
