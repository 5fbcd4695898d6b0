import { expect, test } from 'vitest';
import { sharedMajors, testDatabase } from './support/postgres.ts';

test.each(sharedMajors())('PostgreSQL %i runs with pg_stat_statements', async (major) => {
  await using database = await testDatabase(major);
  await database.query('CREATE EXTENSION pg_stat_statements');
  const [row] = await database.query<{ version: string }>("SELECT current_setting('server_version_num') AS version");
  expect(Math.floor(Number(row?.version) / 10_000)).toBe(major);
});
