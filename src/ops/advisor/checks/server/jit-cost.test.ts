import { expect, test } from 'vitest';
import { testDatabase, testedMajors } from '../../../../../test/support/postgres.ts';
import { openCheckContext } from '../../index.ts';
import { jitCost, jitWaste } from './jit-cost.ts';

const statement = (queryId: string, totalMs: number, calls: number, jitMs: number) => ({
  queryId,
  text: `SELECT ${queryId}`,
  totalMs,
  calls,
  meanMs: totalMs / calls,
  jitMs,
});

test('short statements that are mostly compiled are a waste, long ones and those that gain are not', () => {
  const short = statement('1', 1000, 10, 600);
  const long = statement('2', 50_000, 5, 20_000);
  const gaining = statement('3', 5000, 10, 100);
  expect(jitWaste([short, long, gaining])).toEqual({ statements: [short], ms: 600, share: 600 / 56_000 });
  expect(jitWaste([])).toEqual({ statements: [], ms: 0, share: 0 });
});

test.each(testedMajors(18, 15))('PostgreSQL %i: a server that compiles nothing is fine', async (major) => {
  await using database = await testDatabase(major);
  await using context = await openCheckContext({ url: database.url });
  const [row] = await database.query<{ available: boolean }>('SELECT pg_jit_available() AS available');
  // Servers built with LLVM do compile: there the extension has to be installed to know.
  expect((await jitCost.run(context)).status).toBe(row?.available ? 'unknown' : 'fine');
});
