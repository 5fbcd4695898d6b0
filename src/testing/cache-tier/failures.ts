import assert from 'node:assert/strict';
import { assertGiven, type Case, entryOf, keep, listenTo, valueOf } from './support.ts';

/** What is damaged, lost or away. */
export const failureCases: Case[] = [
  {
    name: 'gives nothing for bytes that are no entry, and counts them',
    async check(handles, store) {
      const [one, other] = await handles.two();
      if (!store.damage) return;
      await keep(one, 'key', entryOf(1));
      await keep(one, 'sound', entryOf(2));
      await store.damage('key');
      await assertGiven(other, { key: undefined, sound: 2 });
      assert.ok(other.stats().unreadable > 0, 'stats().unreadable');
      await keep(one, 'key', entryOf(3));
      await assertGiven(other, { key: 3 });
    },
  },
  {
    name: 'gives nothing of before its history was lost, and tells that something was missed',
    async check(handles, store) {
      const [one, other] = await handles.two();
      if (!store.forget) return;
      const heard = listenTo(other);
      await keep(one, 'key', entryOf(1));
      const position = one.position();
      await store.forget();
      await handles.eventually(
        async () => (await valueOf(one, 'key').catch(() => 1)) === undefined,
        'nothing of before is given',
      );
      await assertGiven(other, { key: undefined });
      assert.equal(await other.set('key', entryOf('late'), position), false);
      await handles.eventually(() => heard.all.includes('unknown'), 'told that something was missed');
      await handles.eventually(() => one.set('key', entryOf('anew'), one.position()), 'entries are kept again');
      await assertGiven(other, { key: 'anew' });
    },
  },
  {
    name: 'rejects with E_CACHE_TIER while it cannot be reached, and works when it can be again',
    async check(handles, store) {
      const [one, other] = await handles.two();
      const { breakDown, mend } = store;
      if (!breakDown || !mend) return;
      await keep(one, 'key', entryOf(1, { tags: ['t'] }));
      const position = one.position();
      await breakDown.call(store);
      const isOurs = { code: 'E_CACHE_TIER' };
      await assert.rejects(() => one.get('key'), isOurs);
      await assert.rejects(() => one.getMany(['key', 'more']), isOurs);
      await assert.rejects(() => one.set('key', entryOf(2), position), isOurs);
      await assert.rejects(() => one.setMany(new Map([['key', entryOf(2)]]), position), isOurs);
      await assert.rejects(() => one.invalidate([{ kind: 'tag', tag: 't' }]), isOurs);
      one.position();
      one.stats();
      await mend.call(store);
      const isBack = () =>
        one.invalidate([{ kind: 'tag', tag: 't' }]).then(
          () => true,
          () => false,
        );
      await handles.eventually(isBack, 'it can be reached again');
      await handles.eventually(
        async () => (await valueOf(other, 'key').catch(() => 1)) === undefined,
        'what was invalidated is gone',
      );
      await handles.eventually(
        () => one.set('key', entryOf('anew'), one.position()).catch(() => false),
        'entries are kept again',
      );
      await handles.eventually(async () => (await valueOf(other, 'key').catch(() => 1)) === 'anew', 'and given');
    },
  },
];
