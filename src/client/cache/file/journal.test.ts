import { appendFileSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { testFolder } from '../../../../test/support/folder.ts';
import type { Invalidation } from '../invalidation.ts';
import type { CacheTier, Heard } from '../tier.ts';
import { fileTier, type FileTierOptions } from './index.ts';
import { readRecords, wholeLines, writeRecord } from './records.ts';

function openTier(options: FileTierOptions): CacheTier & { heard: Heard[] } {
  const tier = fileTier({ pollMs: 5, ...options });
  const heard: Heard[] = [];
  tier.onHeard((each) => heard.push(each));
  onTestFinished(() => tier.close());
  return Object.assign(tier, { heard });
}

function entryOf(value: unknown, tags: string[] = []) {
  const now = Date.now();
  return { value, tags, createdAt: now, freshUntil: now + 60_000, keptUntil: now + 60_000, loadMs: 0 };
}

const tag = (name: string): Invalidation => ({ kind: 'tag', tag: name });
const valueOf = async (tier: CacheTier, key: string) => (await tier.get(key))?.value;

describe('the journal', () => {
  test('is known from the start: what was loaded before anything was asked is kept', async () => {
    const folder = testFolder();
    for (const value of [1, 2]) {
      const tier = openTier({ folder });
      const position = tier.position();
      expect(position.epoch).not.toBe('');
      expect(await tier.set(`key ${value}`, entryOf(value), position)).toBe(true);
    }
    const later = openTier({ folder });
    expect([await valueOf(later, 'key 1'), await valueOf(later, 'key 2')]).toEqual([1, 2]);
    expect(later.heard).toEqual([]);
  });

  test('tells what came between the beginning of a tier and its first use, and nothing older', async () => {
    const folder = testFolder();
    const one = openTier({ folder });
    await one.invalidate([tag('older')]);
    const other = fileTier({ folder });
    onTestFinished(() => other.close());
    await one.invalidate([tag('between')]);
    const heard: Heard[] = [];
    other.onHeard((each) => heard.push(each));
    await other.get('key');
    expect(heard).toEqual([[tag('between')]]);
  });

  test('goes on after a record of which only a part was written', async () => {
    const folder = testFolder();
    const one = openTier({ folder });
    const other = openTier({ folder });
    await one.set('key', entryOf(1), one.position());
    expect(await valueOf(other, 'key')).toBe(1);
    appendFileSync(join(folder, 'journal'), writeRecord({ origin: 'killed', what: [tag('t')] }).subarray(0, 20));
    // Its writer was never told that it is done.
    expect(await valueOf(other, 'key')).toBe(1);
    expect(await one.set('key', entryOf(2), one.position())).toBe(true);
    await one.invalidate([tag('another')]);
    for (const tier of [one, other]) {
      expect(await valueOf(tier, 'key'), 'it may have been anything').toBeUndefined();
      expect(tier.heard).toContain('unknown');
    }
    expect(await one.set('key', entryOf(3), one.position())).toBe(true);
    expect(await valueOf(other, 'key')).toBe(3);
  });

  test('voids what is older than a damaged record', async () => {
    const folder = testFolder();
    const one = openTier({ folder });
    await one.set('old', entryOf(1, ['t']), one.position());
    await one.invalidate([tag('t')]);
    await one.set('new', entryOf(2), one.position());
    const path = join(folder, 'journal');
    const bytes = readFileSync(path);
    const at = bytes.indexOf('"tag":"t"') + 7;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const late = openTier({ folder });
    expect(await valueOf(late, 'old')).toBeUndefined();
    expect(await valueOf(late, 'new')).toBe(2);
  });

  test('begins anew when it is long, which voids all, for all', async () => {
    const folder = testFolder();
    const one = openTier({ folder, maxJournalBytes: 2000 });
    const other = openTier({ folder });
    await one.set('key', entryOf(1), one.position());
    const { epoch } = one.position();
    expect(await valueOf(other, 'key')).toBe(1);
    while (one.position().epoch === epoch) await one.invalidate([tag('of something else')]);
    expect(statSync(join(folder, 'journal')).size).toBeLessThan(2000);
    for (const tier of [one, other]) {
      expect(await valueOf(tier, 'key')).toBeUndefined();
      expect(tier.heard.at(-1)).toBe('unknown');
    }
    expect(await other.set('key', entryOf(2), other.position())).toBe(true);
    expect(await valueOf(one, 'key')).toBe(2);
  });

  test.each<[string, (path: string) => void]>([
    ['deleted', (path) => rmSync(path)],
    ['cut off', (path) => truncateSync(path, 60)],
    ['emptied', (path) => truncateSync(path, 0)],
    ['overwritten', (path) => writeFileSync(path, 'something else')],
    [
      'of before the machine was started',
      (path) => {
        const text = readFileSync(path, 'utf8');
        rmSync(path);
        writeFileSync(path, text.replace(/ \S+\n/, ' another-boot\n'));
      },
    ],
  ])('that was %s voids all', async (_what, damage) => {
    const folder = testFolder();
    const one = openTier({ folder });
    await one.invalidate([tag('something')]);
    await one.set('key', entryOf(1), one.position());
    const before = one.position();
    damage(join(folder, 'journal'));
    const late = openTier({ folder });
    for (const tier of [late, one]) {
      expect(await valueOf(tier, 'key')).toBeUndefined();
      expect(await tier.set('key', entryOf('late'), before)).toBe(false);
    }
    expect(one.heard).toEqual(['unknown']);
    expect(await one.set('key', entryOf(2), one.position())).toBe(true);
    expect(await valueOf(late, 'key')).toBe(2);
  });
});

describe('records', () => {
  const texts = fc.string({ unit: 'binary' });
  const invalidations = fc.oneof(
    texts.map((key) => ({ kind: 'key' as const, key })),
    texts.map((prefix) => ({ kind: 'prefix' as const, prefix })),
    texts.map((text) => ({ kind: 'note' as const, text })),
    fc.constant({ kind: 'all' as const }),
    // Lone surrogates too.
    fc.integer({ min: 0, max: 0xffff }).map((unit) => tag(String.fromCharCode(unit))),
  );
  const records = fc.array(
    fc.record({ origin: fc.constant('one'), what: fc.array(invalidations) }, { noNullPrototype: true }),
  );

  test('are read as they were written, the last one only when it is whole', () => {
    fc.assert(
      fc.property(records, fc.nat(), (all, cut) => {
        const written = all.map(writeRecord);
        const bytes = Buffer.concat(written);
        const read = [...readRecords(bytes)];
        expect(read.map(({ record }) => record)).toEqual(all);
        const part = bytes.subarray(0, cut % (bytes.length + 1));
        const whole = [...readRecords(part)].map(({ record }) => record);
        expect(whole).toEqual(all.slice(0, whole.length));
        expect(part.length - wholeLines(part)).toBeLessThanOrEqual(Math.max(0, ...written.map(({ length }) => length)));
      }),
    );
  });

  test('that are none are not taken for one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const { record } of readRecords(Buffer.from(`\n${text}\n`))) expect(record).toBeUndefined();
      }),
    );
  });
});
