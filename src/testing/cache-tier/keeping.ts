import assert from 'node:assert/strict';
import { assertGiven, type Case, entryOf, keep, oddTexts, valueOf } from './support.ts';

/** What was kept is given, by every handle, for as long as it is to be kept. */
export const keepingCases: Case[] = [
  {
    name: 'gives what was set, with its times and tags, to every handle',
    async check(handles) {
      const [one, other] = await handles.two();
      const entry = entryOf({ id: 1 }, { tags: ['a', 'b'], loadMs: 12.5 });
      await keep(one, 'key', entry);
      for (const tier of [one, other]) assert.deepEqual(await tier.get('key'), entry);
      const late = await handles.open();
      assert.deepEqual(await late.get('key'), entry, 'a handle that is opened later');
    },
  },
  {
    name: 'gives values of all kinds as they were',
    async check(handles) {
      const [one, other] = await handles.two();
      const rows = Array.from({ length: 500 }, (_, id) => ({ id, name: `name ${id}`, at: new Date(id), none: null }));
      const values = {
        text: 'é😀\0',
        empty: '',
        zero: -0,
        nan: Number.NaN,
        none: null,
        big: 2n ** 100n,
        date: new Date(0),
        map: new Map<unknown, unknown>([[{ a: 1 }, new Set([1, 'a'])]]),
        bytes: Buffer.from([0, 255]),
        floats: new Float64Array([1.5]),
        rows,
      };
      for (const [key, value] of Object.entries(values)) await keep(one, key, entryOf(value));
      await assertGiven(other, values);
      await keep(one, 'nothing', entryOf(undefined));
      const nothing = await other.get('nothing');
      assert.ok(nothing, 'an entry whose value is undefined is an entry');
      assert.equal(nothing.value, undefined);
    },
  },
  {
    name: 'gives many at once, and leaves out what is missing',
    async check(handles) {
      const [one, other] = await handles.two();
      const keys = Array.from({ length: 300 }, (_, index) => `many:${index}`);
      await one.setMany(new Map(keys.map((key, index) => [key, entryOf(index)])), one.position());
      const found = await other.getMany([...keys, 'missing', 'many:0']);
      assert.equal(found.size, keys.length);
      for (const [index, key] of keys.entries()) assert.equal(found.get(key)?.value, index);
      assert.equal((await other.getMany([])).size, 0);
      assert.equal((await other.getMany(['missing'])).size, 0);
      assert.equal(await other.get('missing'), undefined);
      await one.setMany(new Map(), one.position());
    },
  },
  {
    name: 'puts a newer entry in the place of an older one, and not the other way round',
    async check(handles) {
      const [one, other] = await handles.two();
      const position = one.position();
      const now = Date.now();
      assert.equal(await one.set('key', entryOf('first', { createdAt: now - 20 }), position), true);
      assert.equal(await one.set('key', entryOf('third', { createdAt: now }), position), true);
      assert.equal(await other.set('key', entryOf('second', { createdAt: now - 10 }), position), false);
      assert.equal(await one.set('key', entryOf('second', { createdAt: now - 10 }), position), false);
      await assertGiven(one, { key: 'third' });
      await assertGiven(other, { key: 'third' });
    },
  },
  {
    name: 'takes keys of any characters and lengths, and keeps them apart',
    async check(handles) {
      const [one, other] = await handles.two();
      for (const key of oddTexts) await keep(one, key, entryOf({ of: key }));
      const found = await other.getMany(oddTexts);
      for (const key of oddTexts) {
        assert.deepEqual(await valueOf(other, key), { of: key });
        assert.deepEqual(found.get(key)?.value, { of: key });
      }
    },
  },
  {
    name: 'gives stale entries for as long as they are kept, and none that is over',
    async check(handles) {
      const [one, other] = await handles.two();
      const now = Date.now();
      const stale = entryOf('stale', { createdAt: now - 1000, freshUntil: now - 500 });
      await keep(one, 'stale', stale);
      await one.set(
        'over',
        entryOf('over', { createdAt: now - 1000, freshUntil: now - 500, keptUntil: now - 1 }),
        one.position(),
      );
      await assertGiven(other, { stale: 'stale', over: undefined });
      await keep(one, 'over', entryOf('anew'));
      await assertGiven(other, { over: 'anew' });
    },
  },
  {
    name: 'keeps what it has when a handle is closed',
    async check(handles) {
      const [one, other] = await handles.two();
      await keep(one, 'key', entryOf(1));
      await one.close();
      await assertGiven(other, { key: 1 });
      await keep(other, 'more', entryOf(2));
      assert.equal(other.stats().refused, 0);
    },
  },
];
