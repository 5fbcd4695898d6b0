import { globSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { testFolder } from '../../../../test/support/folder.ts';
import type { CacheTier } from '../tier.ts';
import { fileTier, type FileTierOptions } from './index.ts';
import { bytesOnDisk, entryPath, layoutOf } from './layout.ts';

const block = 4096;

function openTier(options: FileTierOptions): CacheTier {
  const tier = fileTier(options);
  onTestFinished(() => tier.close());
  return tier;
}

async function keep(tier: CacheTier, key: string, bytes = 100): Promise<void> {
  const now = Date.now();
  const entry = {
    value: Buffer.alloc(bytes),
    tags: [],
    createdAt: now,
    freshUntil: now + 60_000,
    keptUntil: now + 60_000,
    loadMs: 0,
  };
  await tier.set(key, entry, tier.position());
}

function onDisk(folder: string): { entries: number; bytes: number } {
  const files = globSync('entries/*/*/*', { cwd: folder });
  return {
    entries: files.length,
    bytes: files.reduce((sum, file) => sum + bytesOnDisk(statSync(join(folder, file)).size), 0),
  };
}

test('deletes what was used least recently when there is too much', async () => {
  const folder = testFolder();
  const tier = openTier({ folder, maxBytes: 100 * block });
  const path = (index: number) => entryPath(layoutOf(folder), `key ${index}`);
  for (let index = 0; index < 100; index += 1) await keep(tier, `key ${index}`);
  await expect.poll(() => tier.stats().entries).toBe(100);
  // The first half was used an hour ago, of which the first ten are asked for now.
  const anHourAgo = Date.now() / 1000 - 3600;
  for (let index = 0; index < 50; index += 1) utimesSync(path(index), anHourAgo + index, anHourAgo + index);
  for (let index = 0; index < 10; index += 1) expect(await tier.get(`key ${index}`)).toBeDefined();
  await keep(tier, 'one more');
  await expect.poll(() => tier.stats().evictions).toBe(6);
  const there = Array.from({ length: 100 }, (_, index) => index);
  const given = await tier.getMany(there.map((index) => `key ${index}`));
  expect(there.filter((index) => !given.has(`key ${index}`))).toEqual([10, 11, 12, 13, 14, 15]);
  expect(tier.stats()).toMatchObject({ entries: 95, bytes: 95 * block });
  expect(onDisk(folder)).toEqual({ entries: 95, bytes: 95 * block });
});

test('holds the limit for all who share a folder, and for entries of any size', async () => {
  const folder = testFolder();
  const maxBytes = 200 * block;
  const tiers = [1, 2, 3].map(() => openTier({ folder, maxBytes }));
  for (let index = 0; index < 900; index += 1) {
    const tier = tiers[index % 3];
    if (tier) await keep(tier, `key ${index}`, (index % 7) * 3000);
    if (index % 50 === 0) expect(onDisk(folder).bytes).toBeLessThan(maxBytes * 1.5);
  }
  await expect.poll(() => onDisk(folder).bytes).toBeLessThan(maxBytes * 1.1);
  expect(onDisk(folder).bytes).toBeGreaterThan(maxBytes * 0.7);
  expect(tiers.reduce((sum, tier) => sum + tier.stats().evictions, 0)).toBeGreaterThan(30);
});

test('counts what is there when nobody knows, and clears away what was not finished', async () => {
  const folder = testFolder();
  const first = fileTier({ folder });
  await expect.poll(() => first.stats().entries).toBe(0);
  for (let index = 0; index < 20; index += 1) await keep(first, `key ${index}`, index * 1000);
  await first.close();
  // Those who were killed have not told what they kept.
  rmSync(join(folder, 'usage'));
  const temporary = join(folder, 'temporary');
  mkdirSync(temporary, { recursive: true });
  for (const name of ['abandoned', 'in use']) writeFileSync(join(temporary, name), 'x');
  const anHourAgo = Date.now() / 1000 - 3601;
  utimesSync(join(temporary, 'abandoned'), anHourAgo, anHourAgo);
  const second = openTier({ folder });
  await expect.poll(() => second.stats().entries).toBe(20);
  expect(second.stats().bytes).toBe(onDisk(folder).bytes);
  expect(readdirSync(temporary)).toEqual(['in use']);
  const third = openTier({ folder });
  await expect.poll(() => third.stats()).toEqual(second.stats());
});

test('counts what is replaced and what is over', async () => {
  const folder = testFolder();
  const tier = openTier({ folder });
  await expect.poll(() => tier.stats().entries).toBe(0);
  await keep(tier, 'key', 50_000);
  expect(tier.stats()).toMatchObject({ entries: 1, bytes: onDisk(folder).bytes });
  await keep(tier, 'key', 10);
  expect(tier.stats()).toMatchObject({ entries: 1, bytes: block });
  const now = Date.now();
  const over = { value: 1, tags: [], createdAt: now, freshUntil: now - 2, keptUntil: now - 1, loadMs: 0 };
  await tier.set('key', over, tier.position());
  expect(await tier.get('key')).toBeUndefined();
  expect(onDisk(folder)).toEqual({ entries: 0, bytes: 0 });
  expect(tier.stats()).toMatchObject({ entries: 0, bytes: 0 });
});

test('keeps nothing that is larger than the limit', async () => {
  const folder = testFolder();
  const tier = openTier({ folder, maxBytes: 10 * block });
  await keep(tier, 'small');
  const { randomBytes } = await import('node:crypto');
  const now = Date.now();
  const large = {
    value: randomBytes(20 * block),
    tags: [],
    createdAt: now,
    freshUntil: now + 60_000,
    keptUntil: now + 60_000,
    loadMs: 0,
  };
  expect(await tier.set('large', large, tier.position()), 'nothing was invalidated').toBe(true);
  expect(await tier.get('large')).toBeUndefined();
  expect(await tier.get('small')).toBeDefined();
});
