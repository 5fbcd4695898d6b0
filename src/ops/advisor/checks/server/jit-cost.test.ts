import pg from 'pg';
import { expect, test } from 'vitest';
import { noJit, startJitServer } from '../../../../../test/support/debian-postgres.ts';
import { testDatabase, testedMajors } from '../../../../../test/support/postgres.ts';
import { analyzeStatement, connectDatabase, probeProfile } from '../../../../engine/postgres/index.ts';
import { openCheckContext, planFindings } from '../../index.ts';
import { jitCost, jitWaste } from './jit-cost.ts';

const missing = noJit();
if (missing) process.stderr.write(`Not tested here: what compiling (JIT) costs. ${missing}\n`);

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

/** Everything is compiled, and with all effort, whatever it costs. */
const eager = { jit: 'on', jit_above_cost: '0', jit_inline_above_cost: '0', jit_optimize_above_cost: '0' };

test.skipIf(missing)(
  'a server that compiles short statements is found, by its statements and in their plans',
  async () => {
    await using server = await startJitServer({ ...eager, shared_preload_libraries: 'pg_stat_statements' });
    const client = new pg.Client(server.url());
    await client.connect();
    const query = 'SELECT sum(a + b), count(*) FILTER (WHERE a % 7 > 3) FROM readings WHERE b BETWEEN 10 AND 500';
    try {
      await client.query(`
      CREATE EXTENSION pg_stat_statements;
      CREATE TABLE readings AS SELECT n AS a, n % 1000 AS b FROM generate_series(1, 2000) n;
      ANALYZE readings`);
      await client.query('SELECT pg_stat_statements_reset()');
      for (let run = 0; run < 5; run++) await client.query(query);

      await using context = await openCheckContext({ url: server.url() });
      expect(await jitCost.run(context)).toMatchObject({
        status: 'found',
        findings: [
          {
            key: 'jit-cost:jit',
            severity: 'warning',
            evidence: expect.arrayContaining([
              { label: 'jit_above_cost', value: 0 },
              {
                label: expect.stringMatching(/^Statement -?\d+: .* a call$/),
                value: expect.stringContaining('readings'),
              },
            ]),
            remedy: { fix: expect.arrayContaining([expect.stringContaining('jit')]) },
          },
        ],
      });

      const connection = await connectDatabase({ url: server.url() });
      try {
        const profile = await probeProfile(connection);
        const { plan } = await analyzeStatement(connection, profile, { text: query, timeoutMs: 30_000 });
        expect(planFindings(plan)).toContainEqual(
          expect.objectContaining({
            rule: 'jit-cost',
            severity: 'warning',
            message: expect.stringMatching(/^Compiling \d+ functions \(JIT\) took .* of /),
          }),
        );
      } finally {
        await connection.close();
      }

      await client.query("ALTER SYSTEM SET jit = 'off'");
      await client.query('SELECT pg_reload_conf()');
      await using calmed = await openCheckContext({ url: server.url() });
      await expect.poll(async () => (await jitCost.run(calmed)).status, { timeout: 20_000 }).toBe('fine');
    } finally {
      await client.end();
    }
  },
);
