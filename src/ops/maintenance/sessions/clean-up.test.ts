import { describe, expect, test } from 'vitest';
import { runStatements } from '../../../../test/support/answers.ts';
import { session, watched } from '../../../../test/support/catalog.ts';
import { scratchServer, testedMajors } from '../../../../test/support/postgres.ts';
import { endSessions, findStaleSessions, type JournalEnd, tellingJournal } from '../index.ts';

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('sessions are ended as the policy says, and nobody who is excepted, privileged or at work', async () => {
    await using server = await scratchServer(major);
    const url = server.url();
    await runStatements(url, [
      'CREATE TABLE t (id int)',
      ...['app', 'report', 'keeper'].map(
        (role) => `CREATE ROLE ${role} LOGIN PASSWORD 'secret' IN ROLE pg_write_all_data`,
      ),
      `CREATE ROLE streamer LOGIN REPLICATION PASSWORD 'secret'`,
    ]);
    const as = (user: string, application = ''): string => {
      const address = new URL(url);
      [address.username, address.password] = [user, 'secret'];
      if (application !== '') address.searchParams.set('application_name', application);
      return address.href;
    };
    await using forgotten = await session(as('app', 'shop'));
    await using excepted = await session(as('keeper'));
    await using named = await session(as('app', 'etl'));
    await using ours = await session(as('app', 'pitcrew advice'));
    await using streaming = await session(as('streamer'));
    await using superuser = await session(url);
    for (const client of [forgotten, excepted, named, ours, streaming, superuser])
      await client.query('BEGIN; SELECT 1');
    await forgotten.query('INSERT INTO t VALUES (1)');
    await using idle = await session(as('report'));
    await idle.query('SELECT 1');
    await using target = await watched(url);
    const { connection, profile } = target;
    const policy = { idleInTransactionMs: 0, exceptRoles: ['keeper'], exceptApplications: ['etl'] };
    // By default an hour in a transaction, and never for being idle.
    expect(await findStaleSessions(connection, profile)).toEqual({ sessions: [], leftOut: [] });
    const { sessions } = await findStaleSessions(connection, profile, policy);
    expect(sessions).toMatchObject([{ user: 'app', application: 'shop', state: 'idle in transaction', writing: true }]);
    const withIdle = await findStaleSessions(connection, profile, { ...policy, idleMs: 0 });
    expect(withIdle.sessions.map(({ user }) => user).toSorted()).toEqual(['app', 'report']);

    const outcomes: (string | undefined)[] = [];
    const journal = tellingJournal((_, end: JournalEnd | null) => void outcomes.push(end?.outcome));
    // Whoever goes on with its work is left to it.
    await idle.query('SELECT 2');
    const results = await endSessions(connection, withIdle.sessions, journal);
    expect(results.map((result) => [result.session.user, result.outcome]).toSorted()).toEqual([
      ['app', 'ended'],
      ['report', 'gone-on'],
    ]);
    expect(outcomes.toSorted()).toEqual(['cancelled', 'done', undefined, undefined]);
    await expect(forgotten.query('SELECT 1')).rejects.toThrow();
    for (const client of [excepted, named, ours, streaming, superuser, idle]) await client.query('SELECT 1');

    // A role without rights does not see enough, or may not end what it sees.
    await using blind = await watched(as('report'));
    const seen = await findStaleSessions(blind.connection, blind.profile, policy);
    expect(seen).toMatchObject({ sessions: [], leftOut: [{ fix: 'GRANT pg_read_all_stats TO "report"' }] });
    await using again = await session(as('app', 'shop'));
    await again.query('BEGIN; SELECT 1');
    await runStatements(url, ['GRANT pg_read_all_stats TO report']);
    await using looking = await watched(as('report'));
    const found = await findStaleSessions(looking.connection, looking.profile, policy);
    expect(await endSessions(looking.connection, found.sessions, journal)).toMatchObject([
      { outcome: 'failed', reason: 'this role may not end it: GRANT pg_signal_backend TO "report"' },
    ]);
  });
});
