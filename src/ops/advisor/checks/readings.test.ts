import { expect, test } from 'vitest';
import { plainRole } from '../../../../test/support/catalog.ts';
import { testDatabase } from '../../../../test/support/postgres.ts';
import type { DatabaseConnection } from '../../../engine/postgres/index.ts';
import { openCheckContext, runChecks } from '../index.ts';
import type { CheckContext } from '../types.ts';

/** The context, and the texts of what is read through it. */
function overheard(context: CheckContext): { context: CheckContext; texts: string[] } {
  const texts: string[] = [];
  const { connection } = context;
  const heard: DatabaseConnection = {
    address: connection.address,
    user: connection.user,
    pooled: connection.pooled,
    isOpen: connection.isOpen,
    answeringMs: connection.answeringMs,
    run: (sql, params) => {
      texts.push(sql);
      return connection.run(sql, params);
    },
    runPlanned: (sql, params) => connection.runPlanned(sql, params),
    rolledBack: (limits, work) => connection.rolledBack(limits, work),
    close: () => connection.close(),
  };
  return { context: { ...context, connection: heard }, texts };
}

const ofIndexes = ['invalid-index', 'unindexed-foreign-key', 'duplicate-index', 'overlapping-index', 'unused-index'];

test('what several checks need is read once in a run, and anew in the next', async () => {
  await using database = await testDatabase();
  await database.query(`CREATE TABLE t (id int); CREATE INDEX one ON t (id); CREATE INDEX two ON t (id)`);
  await using opened = await openCheckContext({ url: database.url });
  const { context, texts } = overheard(opened);
  const statuses = async (): Promise<Map<string, string>> =>
    new Map(
      (await runChecks(context, { only: ofIndexes })).map(({ check, answer }): [string, string] => [
        check,
        answer.status,
      ]),
    );
  const details = (): number => texts.filter((text) => text.includes('indnullsnotdistinct')).length;
  expect((await statuses()).get('duplicate-index')).toBe('found');
  expect(details()).toBe(1);
  await database.query('DROP INDEX two');
  expect((await statuses()).get('duplicate-index')).toBe('fine');
  expect(details()).toBe(2);
});

test('each check that needs what could not be read says so, and why; the others answer', async () => {
  await using database = await testDatabase();
  await using role = await plainRole(database);
  await using context = await openCheckContext({ url: role.url });
  await database.query(`REVOKE SELECT ON pg_index FROM PUBLIC`);
  const results = await runChecks(context, { only: [...ofIndexes, 'no-primary-key', 'version'] });
  const why = { status: 'unknown', reason: expect.stringContaining('permission denied for table pg_index') };
  for (const { check, answer } of results.slice(0, ofIndexes.length)) expect(answer, check).toMatchObject(why);
  expect(results.at(-1)?.answer.status).toBe('fine');
});
