import { describe, expect, test } from 'vitest';
import { findingOf, findingsOf, remedyOf, runStatements } from '../../../../../test/support/answers.ts';
import { session } from '../../../../../test/support/catalog.ts';
import { scratchServer, testedMajors } from '../../../../../test/support/postgres.ts';
import { openCheckContext } from '../../index.ts';
import { connections, connectionsCheck } from './connections.ts';
import { staleSessions, staleSessionsCheck } from './stale-sessions.ts';

const limits = {
  warning: 0.8,
  critical: 0.95,
  leastIdle: 5,
  idleShare: 0.75,
  idleInTransactionSeconds: 0,
  idleInTransactionSessions: 0.5,
  longStatementSeconds: 3600,
};
const atOnce = staleSessionsCheck({ idleWarning: 0, idleCritical: 3600, openWarning: 0, preparedWarning: 0 });

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('sessions left open, missing limits and connections that run out are found, each with what it holds', async () => {
    await using server = await scratchServer(major, { max_connections: '20', max_prepared_transactions: '2' });
    const url = server.url();
    await runStatements(url, [
      'CREATE TABLE t (id int PRIMARY KEY)',
      'INSERT INTO t VALUES (1)',
      `CREATE ROLE plain LOGIN PASSWORD 'plain'`,
      `CREATE ROLE careful LOGIN PASSWORD 'careful' IN ROLE pg_read_all_data`,
      `ALTER ROLE careful SET idle_in_transaction_session_timeout = '1h'`,
    ]);
    const plain = new URL(url);
    [plain.username, plain.password] = ['plain', 'plain'];
    const careful = new URL(url);
    [careful.username, careful.password] = ['careful', 'careful'];
    await using context = await openCheckContext({ url });
    expect(await connections.run(context)).toMatchObject({ status: 'fine' });
    expect(await staleSessions.run(context)).toMatchObject({ status: 'fine' });

    // Who brings a limit along needs none of the server.
    await using bounded = await session(careful.href);
    await bounded.query('BEGIN; SELECT 1 FROM t');
    expect(await connectionsCheck(limits).run(context)).toMatchObject({ status: 'fine' });
    await bounded.query('COMMIT');

    await using holder = await session(url);
    await holder.query(`SET application_name = 'worker'; BEGIN; UPDATE t SET id = 1`);
    await using waiter = await session(url);
    const waiting = waiter.query('UPDATE t SET id = 2');
    await expect
      .poll(async () => (await findingsOf(atOnce, context))[0]?.explanation)
      .toContain('keeps 1 session waiting');
    const [stale] = await findingsOf(atOnce, context);
    expect(stale).toMatchObject({
      severity: 'warning',
      title: expect.stringContaining('(worker) has been idle in a transaction'),
    });
    expect(await staleSessions.run(context)).toMatchObject({ status: 'fine' });

    const endless = connectionsCheck({ ...limits, longStatementSeconds: 0 });
    expect(await findingOf(endless, context, 'connections:statement_timeout')).toMatchObject({
      severity: 'info',
      title: expect.stringContaining('1 statement of'),
      remedy: { kind: 'manual', fix: [] },
    });
    await runStatements(url, [`ALTER ROLE CURRENT_USER SET statement_timeout = '1h'`]);
    expect((await findingsOf(endless, context)).map(({ key }) => key)).not.toContain('connections:statement_timeout');
    await runStatements(url, ['ALTER ROLE CURRENT_USER RESET statement_timeout']);
    const timeout = await findingOf(
      connectionsCheck(limits),
      context,
      'connections:idle_in_transaction_session_timeout',
    );
    const shown = async () => {
      await using client = await session(url);
      const { rows } = await client.query<{ value: string }>(
        `SELECT current_setting('idle_in_transaction_session_timeout') AS value`,
      );
      return rows[0]?.value;
    };
    await runStatements(url, remedyOf(timeout).undo);
    expect(remedyOf(timeout)).toMatchObject({
      appliable: true,
      undo: ['ALTER SYSTEM RESET idle_in_transaction_session_timeout', 'SELECT pg_reload_conf()'],
    });
    await runStatements(url, remedyOf(timeout).fix);
    await expect.poll(shown).toBe('10min');
    await runStatements(url, remedyOf(timeout).undo);
    await expect.poll(shown).toBe('0');

    // A role that may not look at others says so; it does not say that all is well.
    {
      await using hidden = await openCheckContext({ url: plain.href });
      expect(await staleSessions.run(hidden)).toMatchObject({
        status: 'unknown',
        fix: 'GRANT pg_read_all_stats TO "plain"',
      });
      expect(await connections.run(hidden)).toMatchObject({
        status: 'unknown',
        fix: 'GRANT pg_read_all_stats TO "plain"',
      });
    }

    // The remedy ends that session as long as it is what was seen, and no other.
    const remedy = remedyOf(stale ?? (await findingOf(atOnce, context, '')));
    await runStatements(url, remedy.fix);
    await waiting;
    await expect(holder.query('SELECT 1')).rejects.toThrow();
    await waiter.query('BEGIN');
    await runStatements(url, remedy.fix);
    await waiter.query('ROLLBACK');

    await runStatements(url, ['BEGIN', 'INSERT INTO t VALUES (7)', `PREPARE TRANSACTION 'it''s left'`]);
    const prepared = await findingOf(atOnce, context, `stale-sessions:prepared:it's left`);
    expect(remedyOf(prepared).appliable).toBe(false);
    await runStatements(url, remedyOf(prepared).fix);
    expect(await atOnce.run(context)).toMatchObject({ status: 'fine' });

    const idle = await Promise.all(Array.from({ length: 13 }, () => session(url)));
    expect((await findingsOf(connectionsCheck(limits), context)).map(({ key, severity }) => [key, severity])).toEqual([
      ['connections:max_connections', 'warning'],
      ['connections:idle', 'info'],
    ]);
    await Promise.all(idle.map((client) => client.end()));
  });
});
