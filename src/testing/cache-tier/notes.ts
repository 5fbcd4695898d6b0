import assert from 'node:assert/strict';
import type { Invalidation } from '../../client/cache/invalidation.ts';
import type { CacheTier, Heard, Position } from '../../client/cache/tier.ts';
import { assertGiven, type Case, describe, entryOf, keep, oddTexts } from './support.ts';

const note = (text: string): Invalidation => ({ kind: 'note', text });
const tag = (name: string): Invalidation => ({ kind: 'tag', tag: name });

/** 65,536 characters, also those that need escapes or are half a character. */
const longText = 'x😀"\\\n\0é\u2028\ud800.'.repeat(6000).slice(0, 65_536);
/** More than a tier needs to remember of names. */
const many = 100_001;
/** A handle may be told `unknown` instead, on a busy machine: not again and again. */
const mostAttempts = 10;

/** What is invalidated in one call each, with notes among it. */
const calls: readonly (readonly Invalidation[])[] = [
  [note('alone')],
  [tag('a')],
  [note('first'), tag('b'), { kind: 'key', key: 'key' }, note('last')],
  [{ kind: 'prefix', prefix: 'p:' }, note('second'), { kind: 'pattern', pattern: '*' }, { kind: 'all' }],
  oddTexts.map(note),
  [note(longText), tag('c')],
];
/** Longer than what a tier may tell at once. */
const long = Array.from({ length: 1200 }, (_, index) =>
  [0, 499, 500, 501, 777, 1199].includes(index) ? note(`at ${index}`) : tag(`t${index}`),
);

/** Notes: told to the other handles, and of no other effect. */
export const noteCases: Case[] = [
  {
    name: 'tells other handles notes where they stand among what is invalidated, and not its own handle',
    async check(handles) {
      const [one, other] = await handles.two();
      const listeners = [listenTo(one), listenTo(other), listenTo(await handles.open())];
      await untilKnown(listeners, async (attempt) => {
        const expected: { by: CacheTier; what: readonly Invalidation[] }[] = [
          { by: one, what: [note(`begin ${attempt}`)] },
          { by: other, what: [note(`begin ${attempt}, too`)] },
          ...[...calls, long].map((what) => ({ by: one, what })),
          { by: other, what: [note('by the other'), tag('d')] },
          ...calls.map((what) => ({ by: one, what })),
          { by: one, what: [note(`end ${attempt}`)] },
          { by: other, what: [note(`end ${attempt}, too`)] },
        ];
        for (const { by, what } of expected) await by.invalidate(what);
        for (const { tier, heard } of listeners) {
          const told = expected.filter(({ by }) => by !== tier).map(({ what }) => what);
          const [first, last] = [told[0]?.[0], told.at(-1)?.at(-1)].map((each) => JSON.stringify(each));
          const all = () => heard.flatMap(({ what }) => (what === 'unknown' ? [] : what));
          await handles.eventually(
            () => isUnknown(heard) || JSON.stringify(all().at(-1)) === last,
            'the last note is heard',
          );
          if (isUnknown(heard)) continue;
          // What came late of an attempt before is none of this one.
          const begun = all().findIndex((each) => JSON.stringify(each) === first);
          assertSame(all().slice(Math.max(begun, 0)), told.flat());
          for (const what of told.filter(({ length }) => length < 100)) assertTogether(heard, what);
        }
      });
    },
  },
  {
    name: 'tells what is invalidated before its position says that it is known, notes alone as well',
    async check(handles) {
      const [one, other] = await handles.two();
      const listener = listenTo(other);
      await untilKnown([listener], async (attempt) => {
        for (const [index, what] of [...calls, [tag(`${attempt}`)]].entries()) {
          const { heard } = listener;
          heard.length = 0;
          await one.invalidate(what);
          await handles.eventually(() => heard.length > 0, `heard of call ${index}`);
          if (isUnknown(heard)) return;
          for (const { position } of heard) {
            await handles.eventually(() => isAfter(other, position), `call ${index} is counted`);
          }
        }
      });
    },
  },
  {
    name: 'voids nothing by a note',
    async check(handles) {
      const [one, other] = await handles.two();
      for (const key of ['key', 'some:key']) await keep(one, key, entryOf(key, { tags: ['t', ''] }));
      const notes = ['', 'key', 't', '*', 'some:', 'some:key', 'all', 'text'].map(note);
      await other.invalidate(notes);
      await one.invalidate(notes);
      for (const tier of [one, other, await handles.open()]) {
        await assertGiven(tier, { key: 'key', 'some:key': 'some:key' });
      }
      const keepsLate = async (by: CacheTier): Promise<boolean> => {
        const position = one.position();
        await by.invalidate(notes);
        return one.set('late', entryOf('late', { tags: ['t'] }), position);
      };
      for (const by of [one, other]) {
        await handles.eventually(() => keepsLate(by), 'what was loaded before a note is kept after it');
      }
      await assertGiven(other, { late: 'late' });
    },
  },
  {
    name: 'remembers what was invalidated, however many notes come after it',
    async check(handles) {
      const [one, other] = await handles.two();
      await keep(one, 'void', entryOf(1, { tags: ['t'] }));
      await keep(one, 'valid', entryOf(2, { tags: ['u'] }));
      const began = one.position();
      await other.invalidate([tag('t')]);
      const atOnce = 5000;
      for (let from = 0; from < many; from += atOnce) {
        await other.invalidate(Array.from({ length: atOnce }, (_, index) => note(`${from + index}`)));
      }
      assert.equal(await one.set('void', entryOf('late', { tags: ['t'] }), began), false);
      for (const tier of [one, other, await handles.open()]) await assertGiven(tier, { void: undefined, valid: 2 });
    },
  },
];

interface Listener {
  readonly tier: CacheTier;
  /** Each with the position at that moment. */
  readonly heard: { what: Heard; position: Position }[];
}

function listenTo(tier: CacheTier): Listener {
  const heard: Listener['heard'] = [];
  tier.onHeard((what) => heard.push({ what, position: tier.position() }));
  return { tier, heard };
}

const isUnknown = (heard: Listener['heard']): boolean => heard.some(({ what }) => what === 'unknown');

function isAfter(tier: CacheTier, { epoch, at }: Position): boolean {
  const now = tier.position();
  return now.epoch !== epoch || now.at > at;
}

/** Does it until nobody was told `unknown` meanwhile. */
async function untilKnown(listeners: readonly Listener[], attempt: (number: number) => Promise<void>): Promise<void> {
  for (let number = 1; number <= mostAttempts; number += 1) {
    for (const { heard } of listeners) heard.length = 0;
    await attempt(number);
    if (!listeners.some(({ heard }) => isUnknown(heard))) return;
  }
  assert.fail(`told "unknown" in each of ${mostAttempts} attempts`);
}

function assertSame(found: readonly Invalidation[], expected: readonly Invalidation[]): void {
  for (const [index, each] of expected.entries()) {
    const [is, shouldBe] = [JSON.stringify(found[index]), JSON.stringify(each)];
    assert.ok(is === shouldBe, `told ${describe(is ?? 'nothing')} in the place of ${describe(shouldBe)}`);
  }
  assert.equal(found.length, expected.length, 'how much was told');
}

function assertTogether(heard: Listener['heard'], what: readonly Invalidation[]): void {
  const call = JSON.stringify(what).slice(1, -1);
  assert.ok(
    heard.some((each) => JSON.stringify(each.what).includes(call)),
    `${describe(call)} was not told together`,
  );
}
