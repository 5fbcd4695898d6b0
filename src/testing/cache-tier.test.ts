import { describe, expect, test } from 'vitest';
import type { Entry } from '../client/cache/entry.ts';
import { History } from '../client/cache/fences/history.ts';
import type { Invalidation } from '../client/cache/invalidation.ts';
import type { CacheTier, Heard, Lease, Position } from '../client/cache/tier.ts';
import { PitcrewError } from '../errors.ts';
import { cacheTierCases, type TierStore } from './index.ts';

/** Promises that a tier may fail to keep. */
type Fault =
  | 'keeps what is late'
  | 'compares epochs'
  | 'forgets tags'
  | 'takes prefixes for keys'
  | 'takes ? for any character'
  | 'lets older ones win'
  | 'gives what is over'
  | 'mixes up keys'
  | 'gives many only in part'
  | 'tells nobody'
  | 'tells itself'
  | 'tells no notes'
  | 'tells notes last'
  | 'tells notes apart'
  | 'tells when it is known'
  | 'does not count notes'
  | 'voids by notes'
  | 'remembers notes'
  | 'rejects what is damaged'
  | 'gives what it had before it forgot'
  | 'hides that it cannot be reached'
  | 'counts in two steps'
  | 'never ends counters'
  | 'leases twice'
  | 'ends the lease of another'
  | 'loses values';

/** The plainest tier: all of it in an object that its handles share. */
function memoryStore(fault?: Fault): TierStore {
  const has = (each: Fault) => each === fault;
  const held = new Map<string, { entry: Entry; position: Position } | 'damaged'>();
  const counters = new Map<string, { count: number; until: number }>();
  const leases = new Map<string, { token: number; until: number }>();
  const opened = new Set<{ hear(from: object, heard: Heard, position: Position): void }>();
  let history = new History();
  let position: Position = { epoch: '1', at: 0 };
  let isAway = false;
  let token = 0;
  const tell = (from: object, heard: Heard) => {
    const then = position;
    for (const handle of opened) setImmediate(() => handle.hear(from, heard, then));
  };
  const toldAs = (heard: Heard): Heard[] => {
    if (heard === 'unknown') return [heard];
    const notes = heard.filter(({ kind }) => kind === 'note');
    const others = heard.filter(({ kind }) => kind !== 'note');
    if (has('tells no notes')) return [others];
    if (has('tells notes last')) return [[...others, ...notes]];
    return has('tells notes apart') ? heard.map((each) => [each]) : [heard];
  };
  const nameOf = (key: string) => (has('mixes up keys') ? key.slice(0, 10_000) : key);
  const isVoid = (key: string, { tags }: { tags: readonly string[] }, of: Position) =>
    (of.epoch !== position.epoch && !has('compares epochs') && !has('gives what it had before it forgot')) ||
    history.isVoid(key, has('forgets tags') ? [] : tags, of.at);
  const seenAs = (what: Invalidation): Invalidation => {
    if (what.kind === 'prefix' && has('takes prefixes for keys')) return { kind: 'key', key: what.prefix };
    if (what.kind === 'pattern' && has('takes ? for any character')) {
      return { kind: 'pattern', pattern: what.pattern.replaceAll('?', '*') };
    }
    if (what.kind === 'note' && has('voids by notes')) return { kind: 'tag', tag: what.text };
    if (what.kind === 'note' && has('remembers notes')) return { kind: 'tag', tag: `note:${what.text}` };
    return what;
  };

  const open = (): CacheTier => {
    const listeners: ((heard: Heard) => void)[] = [];
    /** What this handle has heard of. */
    let known = position;
    const stats = { entries: undefined, bytes: undefined, evictions: 0, unreadable: 0, refused: 0 };
    const reach = async () => {
      await new Promise(setImmediate);
      if (isAway && !has('hides that it cannot be reached')) throw new PitcrewError('E_CACHE_TIER', 'away');
    };
    const give = (key: string) => {
      const found = held.get(nameOf(key));
      if (found === 'damaged') {
        stats.unreadable += 1;
        if (has('rejects what is damaged')) throw new PitcrewError('E_CACHE_TIER', 'damaged');
        return undefined;
      }
      if (!found || isVoid(key, found.entry, found.position)) return undefined;
      if (found.entry.keptUntil <= Date.now() && !has('gives what is over')) return undefined;
      return has('loses values')
        ? { ...found.entry, value: JSON.parse(JSON.stringify(found.entry.value ?? null)) }
        : found.entry;
    };
    const put = (key: string, entry: Entry, since: Position) => {
      if (isVoid(key, entry, since)) {
        stats.refused += 1;
        if (!has('keeps what is late')) return false;
        held.set(nameOf(key), { entry, position });
        return true;
      }
      const there = held.get(nameOf(key));
      const isOlder = there && there !== 'damaged' && there.entry.createdAt > entry.createdAt;
      if (isOlder && !isVoid(key, there.entry, there.position) && !has('lets older ones win')) return false;
      held.set(nameOf(key), { entry, position: since });
      return true;
    };
    const tier: CacheTier = {
      name: 'plain',
      position: () => known,
      async get(key) {
        await reach();
        return give(key);
      },
      async getMany(keys) {
        await reach();
        const some = has('gives many only in part') ? keys.slice(0, 100) : keys;
        return new Map(
          some.map((key) => [key, give(key)] as const).filter((each): each is [string, Entry] => !!each[1]),
        );
      },
      async set(key, entry, since) {
        await reach();
        return put(key, entry, since);
      },
      async setMany(entries, since) {
        await reach();
        for (const [key, entry] of entries) put(key, entry, since);
      },
      async invalidate(what) {
        await reach();
        const counted = has('does not count notes') ? what.filter(({ kind }) => kind !== 'note') : what;
        if (counted.length > 0) position = { ...position, at: position.at + 1 };
        for (const each of what) history.note(seenAs(each), position.at);
        if (what.length > 0) tell(tier, what);
        await new Promise(setImmediate);
      },
      async increment(key, by, ttlMs) {
        await reach();
        const found = counters.get(key);
        const counter = found && found.until > Date.now() ? found : { count: 0, until: Date.now() + ttlMs };
        const count = counter.count + by;
        if (has('counts in two steps')) await reach();
        counters.set(key, { ...counter, count });
        return count;
      },
      async endCounters(keys) {
        await reach();
        if (!has('never ends counters')) for (const key of keys) counters.delete(key);
      },
      async lease(key, ttlMs): Promise<Lease | undefined> {
        await reach();
        const found = leases.get(key);
        if (found && found.until > Date.now() && !has('leases twice')) return undefined;
        token += 1;
        const mine = { token, until: Date.now() + ttlMs };
        leases.set(key, mine);
        return {
          token,
          async release() {
            if (leases.get(key) === mine || has('ends the lease of another')) leases.delete(key);
          },
        };
      },
      onHeard: (listener) => void listeners.push(listener),
      stats: () => ({ ...stats }),
      close: async () => {},
    };
    opened.add({
      hear(from, heard, then) {
        if (has('tells when it is known')) known = then;
        const isTold = has('tells itself') || from !== tier;
        if (isTold && !has('tells nobody')) {
          for (const part of toldAs(heard)) for (const listener of listeners) listener(part);
        }
        known = then;
      },
    });
    return tier;
  };
  return {
    open,
    damage: async (key) => void held.set(nameOf(key), 'damaged'),
    async forget() {
      position = { epoch: `${position.epoch}+`, at: 0 };
      history = new History();
      tell({}, 'unknown');
    },
    async breakDown() {
      isAway = true;
    },
    async mend() {
      isAway = false;
    },
    stop: async () => {},
  };
}

describe('a tier that keeps its promises', () => {
  for (const { name, run } of cacheTierCases(() => memoryStore())) test(name, run);
});

/** What is wrong with a tier, and which cases find it. */
const faults: readonly [Fault, RegExp][] = [
  ['keeps what is late', /began before/],
  ['compares epochs', /another epoch/],
  ['forgets tags', /"tag"/],
  ['takes prefixes for keys', /"prefix"/],
  ['takes ? for any character', /"pattern"/],
  ['lets older ones win', /newer entry/],
  ['gives what is over', /none that is over/],
  ['mixes up keys', /any characters/],
  ['gives many only in part', /many at once/],
  ['tells nobody', /^tells handles/],
  ['tells itself', /^tells handles/],
  ['tells itself', /^tells other handles notes/],
  ['tells no notes', /^tells other handles notes/],
  ['tells notes last', /^tells other handles notes/],
  ['tells notes apart', /^tells other handles notes/],
  ['tells when it is known', /^tells what is invalidated before/],
  ['does not count notes', /^tells what is invalidated before/],
  ['voids by notes', /^voids nothing/],
  ['remembers notes', /^remembers what was invalidated/],
  ['rejects what is damaged', /bytes that are no entry/],
  ['gives what it had before it forgot', /history was lost/],
  ['hides that it cannot be reached', /cannot be reached/],
  ['counts in two steps', /counts atomically/],
  ['never ends counters', /counts atomically/],
  ['leases twice', /^leases/],
  ['ends the lease of another', /^leases/],
  ['loses values', /values of all kinds/],
];

test.each(faults)('a tier that %s does not pass (%s)', async (fault, of) => {
  const found = cacheTierCases(() => memoryStore(fault), { patienceMs: 200 }).filter(({ name }) => of.test(name));
  const failures = await Promise.allSettled(found.map(({ run }) => run()));
  expect(failures.filter(({ status }) => status === 'rejected')).not.toEqual([]);
});

test('a tier that forgets tags does not pass the test of random work', async () => {
  const cases = cacheTierCases(() => memoryStore('forgets tags'));
  const truth = cases.find(({ name }) => /several handles at work/.test(name));
  await expect(truth?.run()).rejects.toThrow(/invalidated up to/);
});
