import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry } from '../../client/cache/entry.ts';
import type { Heard, CacheTier } from '../../client/cache/tier.ts';

/** What a tier keeps its entries in, empty at first. */
export interface TierStore {
  /** A handle of its own on the store, as another process would open it. Closed by the cases. */
  open(): CacheTier | Promise<CacheTier>;
  /** Puts bytes that are no entry where that of a key is. */
  damage?(key: string): Promise<void>;
  /** Makes the store lose what it knows of invalidations, as a restart may do. */
  forget?(): Promise<void>;
  /** Makes the store unusable, and usable again. What it holds may be lost. */
  breakDown?(): Promise<void>;
  mend?(): Promise<void>;
  /** Gives back what was taken. */
  stop(): Promise<void>;
}

export interface Case {
  readonly name: string;
  readonly check: (handles: Handles, store: TierStore) => Promise<void>;
}

/** The handles that a case has opened. */
export class Handles {
  readonly #store: TierStore;
  readonly #open: CacheTier[] = [];
  readonly #patienceMs: number;

  /** @param patienceMs for what comes by itself */
  constructor(store: TierStore, patienceMs: number) {
    this.#store = store;
    this.#patienceMs = patienceMs;
  }

  /** Asks until it is so, as long as patience lasts. */
  async eventually(isSo: () => Promise<boolean> | boolean, what: string): Promise<void> {
    const until = Date.now() + this.#patienceMs;
    while (!(await isSo())) {
      assert.ok(Date.now() < until, `${what}: not within ${this.#patienceMs} ms`);
      await sleep(10);
    }
  }

  /** One more, in use: it has asked for something. */
  async open(): Promise<CacheTier> {
    const tier = await this.#store.open();
    this.#open.push(tier);
    await tier.get('nothing is kept under this key');
    return tier;
  }

  /** Two handles, as of two processes. */
  async two(): Promise<[CacheTier, CacheTier]> {
    return [await this.open(), await this.open()];
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((tier) => tier.close().catch(() => {})));
  }
}

export function entryOf(value: unknown, more: Partial<Omit<Entry, 'value'>> = {}): Entry {
  const now = Date.now();
  return { value, createdAt: now, freshUntil: now + 60_000, keptUntil: now + 120_000, tags: [], loadMs: 0, ...more };
}

export async function keep(tier: CacheTier, key: string, entry: Entry): Promise<void> {
  assert.equal(await tier.set(key, entry, tier.position()), true, `${describe(key)} was not kept`);
}

export async function valueOf(tier: CacheTier, key: string): Promise<unknown> {
  return (await tier.get(key))?.value;
}

/** Whether keys are given, in all ways to ask. */
export async function assertGiven(tier: CacheTier, expected: Record<string, unknown>): Promise<void> {
  const many = await tier.getMany(Object.keys(expected));
  for (const [key, value] of Object.entries(expected)) {
    assert.deepEqual(await valueOf(tier, key), value, `get(${describe(key)})`);
    assert.deepEqual(many.get(key)?.value, value, `getMany([…${describe(key)}…])`);
    assert.equal(many.has(key), value !== undefined, `getMany([…${describe(key)}…]) must leave out what is missing`);
  }
}

/** Everything that a handle is told. */
export function listenTo(tier: CacheTier): { all: Heard[]; has(what: unknown): boolean } {
  const all: Heard[] = [];
  tier.onHeard((heard) => all.push(heard));
  const has = (what: unknown) =>
    all.some((heard) => heard === 'unknown' || heard.some((each) => JSON.stringify(each) === JSON.stringify(what)));
  return { all, has };
}

/** A key as it can be shown. */
export function describe(key: string): string {
  return JSON.stringify(key.length > 40 ? `${key.slice(0, 40)}…` : key);
}

/** Keys and tags that something may take for more than text. */
export const oddTexts = [
  '',
  ' ',
  ':',
  'a:b',
  '*',
  '?',
  'a*',
  '[a-z]',
  '{slot}',
  '}{',
  '..',
  '/',
  '../../up',
  'a/b\\c',
  '__proto__',
  'constructor',
  'line\nbreak\r\n',
  'nul\0nul',
  'tab\t',
  '"\'`$(x);%s',
  'é',
  'e\u0301',
  '日本語',
  '😀',
  '\ufeffmark',
  '\u2028',
  'x'.repeat(10_000),
  `${'x'.repeat(10_000)}y`,
];
