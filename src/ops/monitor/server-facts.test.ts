import { expect, test } from 'vitest';
import { watched } from '../../../test/support/catalog.ts';
import { testDatabase } from '../../../test/support/postgres.ts';
import { isLocal } from './server-facts.ts';

test('behind a pooler on this machine the server may be elsewhere', async () => {
  await using database = await testDatabase();
  await using target = await watched(database.url);
  const { profile } = target;
  expect(isLocal(database.url, undefined)).toBe(true);
  expect(isLocal(database.url, profile)).toBe(true);
  expect(isLocal(database.url, { ...profile, pooled: true })).toBe(true);
  expect(isLocal(database.url, { ...profile, pooled: true, host: '192.0.2.7' })).toBe(false);
  expect(isLocal('postgres://192.0.2.7/shop', { ...profile, pooled: true })).toBe(false);
});
