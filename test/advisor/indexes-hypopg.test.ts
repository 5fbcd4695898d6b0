import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { connectDatabase, probeProfile } from '../../src/engine/postgres/index.ts';
import { adviseIndexes, type Finding, selectIndexes } from '../../src/ops/advisor/index.ts';
import { openHypopg } from '../../src/ops/whatif/index.ts';
import { definitionsOf, workloadOf } from '../support/advised.ts';
import { noHypopg, startHypopgServer } from '../support/debian-postgres.ts';

const missing = noHypopg();
if (missing) process.stderr.write(`Not tested here: advice with HypoPG. ${missing}\n`);

const dropping: Finding = {
  check: 'unused-index',
  key: 'unused-index:public.t_b',
  severity: 'info',
  subject: { kind: 'index', schema: 'public', table: 't', name: 't_b' },
  title: 't_b was not used',
  explanation: '',
  evidence: [],
  gain: null,
  remedy: { kind: 'drop-index', fix: ['DROP INDEX t_b'], undo: [], risk: 'low', riskDetail: '', appliable: true },
};

describe.skipIf(missing)('on PostgreSQL 15 with HypoPG', () => {
  test('what HypoPG cannot imagine for a statement does not keep the statement from being advised', async () => {
    await using server = await startHypopgServer();
    const client = new pg.Client(server.url());
    await client.connect();
    await client.query(`
      CREATE EXTENSION hypopg;
      CREATE TABLE u (id int PRIMARY KEY, note text);
      CREATE TABLE t (id int PRIMARY KEY, a int, b int, state text, u int);
      INSERT INTO u SELECT i, md5(i::text) FROM generate_series(1, 20000) i;
      INSERT INTO t SELECT i, i * 7919 % 20000, i % 5000, CASE WHEN i * 31 % 100 = 0 THEN 'open' ELSE 'done' END, i
        FROM generate_series(1, 20000) i;
      CREATE INDEX t_b ON t (b);
    `);
    await client.query('VACUUM ANALYZE');
    await client.end();
    const connection = await connectDatabase({ url: server.url() });
    try {
      const profile = await probeProfile(connection);
      await using whatIf = await openHypopg({ url: server.url(), profile });
      const workload = workloadOf(
        'SELECT t.id FROM t JOIN u ON u.id = t.u WHERE t.a = $1',
        `SELECT u.note FROM t JOIN u ON u.id = t.u WHERE t.state = 'open' AND lower(u.note) = $1`,
        'SELECT * FROM t WHERE b = 5',
      );
      const drops = [dropping];
      const advice = await adviseIndexes({ connection, profile, whatIf, workload, selectIndexes, drops });
      expect(definitionsOf(advice)).toContain('t (a)');
      expect(advice.statements.planned).toBe(3);
      expect(advice.leftOut).toEqual([]);
      // This HypoPG cannot hide what exists.
      expect(advice.drops).toMatchObject([{ confirmed: false, untold: expect.stringContaining('cannot hide') }]);
      expect(advice.gaps.length).toBeGreaterThan(0);
    } finally {
      await connection.close();
    }
  }, 60_000);
});
