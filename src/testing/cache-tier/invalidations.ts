import assert from 'node:assert/strict';
import type { Invalidation } from '../../client/cache/invalidation.ts';
import { assertGiven, type Case, describe, entryOf, keep, listenTo, oddTexts, valueOf } from './support.ts';

/** Each kind of invalidation, and what of these entries it concerns. */
const entries: Record<string, readonly string[]> = {
  'orders:4:total': ['orders', 'customer:1'],
  'orders:42:total': ['orders'],
  'orders:42': ['orders'],
  'invoices:42:total': ['customer:1'],
  'a?c': [],
  abc: [],
};
const kinds: { what: Invalidation; concerns: string[] }[] = [
  { what: { kind: 'key', key: 'orders:42' }, concerns: ['orders:42'] },
  { what: { kind: 'tag', tag: 'customer:1' }, concerns: ['orders:4:total', 'invoices:42:total'] },
  { what: { kind: 'tag', tag: 'customer' }, concerns: [] },
  { what: { kind: 'prefix', prefix: 'orders:4:' }, concerns: ['orders:4:total'] },
  { what: { kind: 'prefix', prefix: 'orders:' }, concerns: ['orders:4:total', 'orders:42:total', 'orders:42'] },
  { what: { kind: 'pattern', pattern: '*:42:*' }, concerns: ['orders:42:total', 'invoices:42:total'] },
  { what: { kind: 'pattern', pattern: 'a?c' }, concerns: ['a?c'] },
  { what: { kind: 'all' }, concerns: Object.keys(entries) },
];

/** What was invalidated is not given any more, nor kept. */
export const invalidationCases: Case[] = [
  ...kinds.map(({ what, concerns }): Case => {
    const named = JSON.stringify(what);
    const expected = Object.fromEntries(
      Object.keys(entries).map((key) => [key, concerns.includes(key) ? undefined : key]),
    );
    return {
      name: `gives nothing that ${named} concerns, by no handle, and all else`,
      async check(handles) {
        const [one, other] = await handles.two();
        for (const [key, tags] of Object.entries(entries)) await keep(one, key, entryOf(key, { tags }));
        for (const key of Object.keys(entries)) assert.equal(await valueOf(other, key), key);
        await one.invalidate([what]);
        await assertGiven(other, expected);
        await assertGiven(one, expected);
        await assertGiven(await handles.open(), expected);
        for (const key of concerns) await keep(one, key, entryOf('anew', { tags: entries[key] ?? [] }));
        await assertGiven(other, Object.fromEntries(concerns.map((key) => [key, 'anew'])));
      },
    };
  }),
  ...kinds
    .filter(({ concerns }) => concerns.length > 0)
    .map(({ what, concerns }): Case => ({
      name: `keeps nothing whose load began before ${JSON.stringify(what)}`,
      async check(handles) {
        const [one, other] = await handles.two();
        const third = await handles.open();
        const began = [one, other].map((tier) => tier.position());
        await third.invalidate([what]);
        for (const [index, tier] of [one, other].entries()) {
          for (const key of concerns) {
            const position = began[index];
            assert.ok(position);
            const isKept = await tier.set(key, entryOf('late', { tags: entries[key] ?? [] }), position);
            assert.equal(isKept, false, `${describe(key)} by handle ${index}`);
            await tier.setMany(new Map([[key, entryOf('late', { tags: entries[key] ?? [] })]]), position);
          }
          assert.ok(tier.stats().refused > 0, 'stats().refused');
        }
        const nothing = Object.fromEntries(concerns.map((key) => [key, undefined]));
        for (const tier of [one, other, third]) await assertGiven(tier, nothing);
      },
    })),
  {
    name: 'keeps nothing whose load began before an invalidation of its own handle',
    async check(handles) {
      const [one, other] = await handles.two();
      const position = one.position();
      await one.invalidate([{ kind: 'tag', tag: 't' }]);
      assert.equal(await one.set('key', entryOf('late', { tags: ['t'] }), position), false);
      await assertGiven(other, { key: undefined });
      await keep(one, 'key', entryOf('anew', { tags: ['t'] }));
      await assertGiven(other, { key: 'anew' });
    },
  },
  {
    name: 'keeps again what other handles load after an invalidation',
    async check(handles) {
      const [one, other] = await handles.two();
      await one.invalidate([
        { kind: 'tag', tag: 't' },
        { kind: 'key', key: 'key' },
      ]);
      const entry = () => entryOf('anew', { tags: ['t'] });
      // It may not have heard yet when it is asked for its position.
      await handles.eventually(() => other.set('key', entry(), other.position()), 'the other handle keeps an entry');
      await assertGiven(one, { key: 'anew' });
    },
  },
  {
    name: 'refuses positions of another epoch',
    async check(handles) {
      const tier = await handles.open();
      for (const at of [0, tier.position().at, Number.MAX_SAFE_INTEGER]) {
        assert.equal(await tier.set('key', entryOf(1), { epoch: 'another', at }), false);
      }
      await assertGiven(tier, { key: undefined });
    },
  },
  {
    name: 'takes tags, prefixes and patterns of any characters and lengths, and keeps them apart',
    async check(handles) {
      const [one, other] = await handles.two();
      for (const [index, tag] of oddTexts.entries()) await keep(one, `k${index}`, entryOf(tag, { tags: [tag, 'all'] }));
      for (const [index, tag] of oddTexts.entries()) {
        assert.equal(await valueOf(other, `k${index}`), tag, `before ${describe(tag)}`);
        await one.invalidate([{ kind: 'tag', tag }]);
        assert.equal(await valueOf(other, `k${index}`), undefined, `after ${describe(tag)}`);
      }
      for (const key of oddTexts) {
        await keep(one, `${key}:1`, entryOf(1));
        await one.invalidate([{ kind: 'prefix', prefix: `${key}:` }]);
        assert.equal(await valueOf(other, `${key}:1`), undefined, `prefix ${describe(key)}`);
        await keep(one, key, entryOf(1));
        await one.invalidate([{ kind: 'key', key }]);
        assert.equal(await valueOf(other, key), undefined, `key ${describe(key)}`);
        await keep(one, key, entryOf(1));
        await one.invalidate([{ kind: 'pattern', pattern: key }]);
        assert.equal(await valueOf(other, key), undefined, `pattern ${describe(key)}`);
      }
    },
  },
  {
    name: 'takes many invalidations at once, and none',
    async check(handles) {
      const [one, other] = await handles.two();
      const keys = Array.from({ length: 200 }, (_, index) => `many:${index}`);
      await one.setMany(new Map(keys.map((key) => [key, entryOf(1, { tags: [`t:${key}`] })])), one.position());
      await one.invalidate([]);
      assert.equal((await other.getMany(keys)).size, keys.length);
      await other.invalidate(
        keys.map((key, index) => (index % 2 ? { kind: 'key', key } : { kind: 'tag', tag: `t:${key}` })),
      );
      assert.equal((await one.getMany(keys)).size, 0);
    },
  },
  {
    name: 'tells handles what others invalidate, and not what they do themselves',
    async check(handles) {
      const [one, other] = await handles.two();
      const heard = listenTo(other);
      const own: Invalidation = { kind: 'tag', tag: 'own' };
      await other.invalidate([own]);
      for (const { what } of kinds) await one.invalidate([what]);
      await one.invalidate(oddTexts.map((tag) => ({ kind: 'tag', tag })));
      for (const { what } of kinds) await handles.eventually(() => heard.has(what), `heard of ${JSON.stringify(what)}`);
      for (const tag of oddTexts)
        await handles.eventually(() => heard.has({ kind: 'tag', tag }), `heard of tag ${describe(tag)}`);
      const known = heard.all.flatMap((each) => (each === 'unknown' ? [] : each));
      assert.ok(!known.some((each) => JSON.stringify(each) === JSON.stringify(own)), 'told of its own');
    },
  },
];
