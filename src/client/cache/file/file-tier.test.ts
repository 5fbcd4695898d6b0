import { writeFile } from 'node:fs/promises';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { temporaryFolder } from '../../../../test/support/folder.ts';
import { cacheTierCases, type TierStore } from '../../../testing/index.ts';
import { fileTier } from './index.ts';
import { entryPath, layoutOf } from './layout.ts';

function startStore(): TierStore {
  const parent = temporaryFolder();
  const folder = join(parent.path, 'cache');
  return {
    open: () => fileTier({ folder, pollMs: 10 }),
    damage: (key) => writeFile(entryPath(layoutOf(folder), key), 'something else'),
    forget: () => rm(join(folder, 'journal')),
    async breakDown() {
      await rename(folder, `${folder}.away`);
      // Not just missing: it would be made again.
      await writeFile(folder, '');
    },
    async mend() {
      await rm(folder);
      await rename(`${folder}.away`, folder);
    },
    stop: async () => parent[Symbol.asyncDispose](),
  };
}

describe('conformance', () => {
  for (const { name, run } of cacheTierCases(startStore)) test(name, run);
});
