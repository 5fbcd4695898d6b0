import { expect, test } from 'vitest';
import { missingMajors, sharedMajors, testDatabase } from './support/postgres.ts';

test.each(sharedMajors())('PostgreSQL %i runs with pg_stat_statements', async (major) => {
  await using database = await testDatabase(major);
  await database.query('CREATE EXTENSION pg_stat_statements');
  const [row] = await database.query<{ version: string }>("SELECT current_setting('server_version_num') AS version");
  expect(Math.floor(Number(row?.version) / 10_000)).toBe(major);
});

test('on Linux on x64 every version is there', () => {
  const everything = process.platform === 'linux' && process.arch === 'x64';
  expect(missingMajors()).toEqual(everything ? [] : [17, 16, 15, 14]);
});
