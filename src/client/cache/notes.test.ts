import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { testFolder } from '../../../test/support/folder.ts';
import { createCache } from './cache.ts';
import { fileTier } from './file/index.ts';
import { GuardedTier } from './guarded-tier.ts';
import type { Invalidation } from './invalidation.ts';
import type { CacheTier } from './tier.ts';

function openTier(folder: string): { tier: CacheTier; heard: unknown[] } {
  const tier = fileTier({ folder, pollMs: 5 });
  const heard: unknown[] = [];
  tier.onHeard((each) => heard.push(...(each === 'unknown' ? [each] : each)));
  onTestFinished(() => tier.close());
  return { tier, heard };
}

const note: Invalidation = { kind: 'note', text: 'a word' };
const tag = (name: string): Invalidation => ({ kind: 'tag', tag: name });

test('a tier that was away is told what was invalidated meanwhile, and no notes', async () => {
  // A link, which is replaced at one go: a tier that looks for its folder makes it where it is missing.
  const root = testFolder();
  const [folder, real, aside] = ['cache', 'real', 'aside'].map((name) => join(root, name)) as [string, string, string];
  await mkdir(real);
  await symlink(real, folder);
  const { heard, tier } = openTier(folder);
  await tier.invalidate([]);
  const away: (Error | undefined)[] = [];
  const guarded = new GuardedTier(openTier(folder).tier, (error) => away.push(error));
  await guarded.invalidate([note, tag('before')]);
  // Who did not hear it in time would not know what it was.
  await expect
    .poll(async () => {
      await tier.get('key');
      return heard;
    })
    .toHaveLength(2);
  await writeFile(aside, '');
  await rename(aside, folder);
  await guarded.invalidate([note, tag('meanwhile')]);
  expect(guarded.isAway).toBe(true);
  // More of them than it would keep of anything else.
  for (let i = 0; i < 3; i++) await guarded.invalidate(Array.from({ length: 4000 }, () => note));
  await guarded.invalidate([tag('later'), note]);
  await symlink(real, aside);
  await rename(aside, folder);
  await expect.poll(() => away.at(-1), { timeout: 20_000 }).toBeUndefined();
  await tier.get('key');
  // Whoever looked while the folder was away does not know what it has missed by then.
  const known = heard.filter((each) => each !== 'unknown');
  expect(known).toEqual([note, tag('before'), tag('meanwhile'), tag('later')]);
});

test('a cache tells its further tiers what a tier has told it, but no notes, and counts none', async () => {
  const [near, far] = [join(testFolder(), 'near'), join(testFolder(), 'far')];
  const cache = createCache({ tiers: [fileTier({ folder: near, pollMs: 5 }), fileTier({ folder: far })] });
  onTestFinished(() => cache.close());
  await cache.get('key');
  const { tier } = openTier(near);
  const { heard } = openTier(far);
  await tier.invalidate([note]);
  await tier.invalidate([note, tag('t'), note]);
  await tier.invalidate([note, tag('last')]);
  await expect.poll(() => heard, { timeout: 20_000 }).toEqual([tag('t'), tag('last')]);
  expect(cache.stats().invalidations).toEqual({ key: 0, tag: 0, prefix: 0, pattern: 0, all: 0 });
});
