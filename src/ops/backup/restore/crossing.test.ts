import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testFolder } from '../../../../test/support/folder.ts';
import { crossingObstacles } from './crossing.ts';

test('folders that lie in each other, in the repository, or around what is needed, whatever links lead there', async () => {
  const folder = testFolder();
  const repository = join(folder, 'repository');
  mkdirSync(repository);
  symlinkSync(folder, join(folder, 'link'));
  const against = async (places: string[], restoreCommand: string[] = []): Promise<string[]> => {
    const paths = places.map((place) => join(folder, place));
    return (await crossingObstacles({ places: paths, repository, restoreCommand })).map(({ code }) => code);
  };
  expect(await against(['data', 'space'])).toEqual([]);
  expect(await against(['data', 'data2', 'link/data3'], ['sh', join(folder, 'key')])).toEqual([]);
  expect(await against(['data', 'data'])).toEqual(['E_USAGE']);
  expect(await against(['data', 'link/data/space'])).toEqual(['E_USAGE']);
  expect(await against(['link/space/data', 'space'])).toEqual(['E_USAGE']);
  // A name that begins so leads nowhere else.
  expect(await against(['data', 'data/..space'])).toEqual(['E_USAGE']);
  expect(await against(['repository/backups/data', 'link/repository'])).toEqual(['E_USAGE', 'E_USAGE', 'E_USAGE']);
  expect(await against(['link/data'], [join(folder, 'data', 'key'), '--identity'])).toEqual(['E_UNSAFE']);
  // The whole of it, with the repository.
  expect(await against(['.'], [repository])).toEqual(['E_UNSAFE']);
  expect(await crossingObstacles({ places: ['/srv'], repository: 's3://bucket/shop', restoreCommand: [] })).toEqual([]);
});
