import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { session } from '../../../test/support/catalog.ts';
import { runStatements } from '../../../test/support/answers.ts';
import { scratchReplica, scratchServer, type ScratchServer, testedMajors } from '../../../test/support/postgres.ts';
import { type OpenCheckContext, openCheckContext } from '../advisor/index.ts';
import {
  type JournalEnd,
  type JournalEntry,
  type MaintenanceTask,
  planMaintenance,
  type PlanOptions,
  runMaintenance,
  type RunOptions,
  tellingJournal,
} from './index.ts';

const all: PlanOptions = { analyze: true, optimize: true };
/** Small tables, so that tests are quick. */
const small: PlanOptions = {
  ...all,
  thresholds: { changedRows: 50, deadRows: 50 },
};

interface Written {
  entry: JournalEntry;
  end: JournalEnd | null;
}

function noted(written: Written[] = []) {
  return { written, journal: tellingJournal((entry, end) => void written.push({ entry, end })) };
}

function tasksOf(tasks: readonly MaintenanceTask[]): string[] {
  return tasks.map(({ kind, table, index }) => `${kind} ${index ?? table}`);
}

async function server(major: number): Promise<ScratchServer> {
  return scratchServer(major, { autovacuum: 'off', wal_level: 'replica' });
}

/** Counters of a session that has ended are there for all. */
async function planned(context: OpenCheckContext, expected: readonly string[], options = small) {
  await expect
    .poll(async () => tasksOf((await planMaintenance(context, options)).tasks).toSorted())
    .toEqual(expected.toSorted());
  return planMaintenance(context, options);
}

describe.each(testedMajors(18, 15))('PostgreSQL %i', (major) => {
  test('what needs it is chosen and done, what does not is left alone, and nothing is needed twice', async () => {
    await using scratch = await server(major);
    const url = scratch.url();
    await using context = await openCheckContext({ url });
    await runStatements(url, [
      'CREATE SCHEMA "Über"',
      `CREATE TABLE "Über"."Stale" AS SELECT n AS id FROM generate_series(1, 2000) n`,
      'ANALYZE "Über"."Stale"',
      'CREATE TABLE fresh AS SELECT n AS id FROM generate_series(1, 2000) n',
      'CREATE TABLE dead (id int PRIMARY KEY, note text) WITH (autovacuum_enabled = off)',
      `INSERT INTO dead SELECT n, 'x' FROM generate_series(1, 3000) n`,
      'CREATE TABLE never AS SELECT n AS id FROM generate_series(1, 100) n',
      'CREATE TABLE parts (id int) PARTITION BY RANGE (id)',
      'CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (5000)',
      'INSERT INTO parts SELECT n FROM generate_series(1, 2000) n',
    ]);
    // What a session has inserted is counted at its end at the latest, after an ANALYZE of its own.
    await runStatements(url, [
      'VACUUM ANALYZE dead',
      'VACUUM ANALYZE fresh',
      'VACUUM ANALYZE parts_1',
      'VACUUM "Über"."Stale"',
    ]);
    await runStatements(url, [
      'UPDATE "Über"."Stale" SET id = id + 1 WHERE id < 300',
      'DELETE FROM dead WHERE id % 2 = 0',
    ]);
    const expected = ['analyze never', 'vacuum Stale', 'vacuum dead', 'analyze parts'];
    // 100 rows that were only inserted are no reason to vacuum; deleted rows are a reason to count anew.
    const plan = await planned(context, expected);
    expect(plan.leftOut).toEqual([]);
    expect(plan.tasks.find(({ table }) => table === 'dead')?.statement).toBe(
      'VACUUM (SKIP_LOCKED, ANALYZE) "public"."dead"',
    );
    const { written, journal } = noted();
    const results = await runMaintenance(context, plan, { url, journal, planned: small });
    expect(results.map(({ outcome, reason }) => [outcome, reason])).toEqual(plan.tasks.map(() => ['done', null]));
    expect(results.find(({ task }) => task.table === 'dead')?.effect).toBe('1,500 dead rows before, 0 after');
    expect(written.filter(({ end }) => end?.outcome === 'done').map(({ entry }) => entry.statement)).toEqual(
      plan.tasks.map(({ statement }) => statement),
    );
    await planned(context, []);
    // A plan that has become old does nothing.
    const again = await runMaintenance(context, plan, { url, journal, planned: small });
    expect(new Set(again.map(({ reason }) => reason))).toEqual(new Set(['it is not needed any more']));
    expect(written).toHaveLength(2 * plan.tasks.length);
  });

  test('tables that are only inserted into, pages that are not visible and bloated indexes are seen to', async () => {
    await using scratch = await server(major);
    const url = scratch.url();
    await runStatements(url, [
      'CREATE TABLE log AS SELECT n AS id FROM generate_series(1, 12000) n',
      'CREATE TABLE seen (id int PRIMARY KEY, note text) WITH (fillfactor = 50)',
      `INSERT INTO seen SELECT n, repeat('x', 100) FROM generate_series(1, 3000) n`,
      'CREATE TABLE busy (id int, key text)',
      `INSERT INTO busy SELECT n, md5(n::text) FROM generate_series(1, 30000) n`,
      'CREATE INDEX busy_key ON busy (key)',
    ]);
    await runStatements(url, [
      'VACUUM ANALYZE seen',
      'DELETE FROM busy WHERE id % 10 <> 0',
      'SET enable_seqscan = off',
      'SELECT id FROM seen WHERE id = 7',
    ]);
    // A row on every page is changed, so that none is visible to all; ANALYZE counts them.
    await runStatements(url, ['VACUUM ANALYZE busy', 'UPDATE seen SET note = note WHERE id % 10 = 0', 'ANALYZE seen']);
    await using context = await openCheckContext({ url, thresholds: { bloatFromBytes: 100_000 } });
    const options: PlanOptions = { analyze: false, optimize: true, thresholds: { deadShare: 1, invisiblePages: 10 } };
    const plan = await planned(context, ['vacuum log', 'vacuum seen', 'reindex busy_key'], options);
    const results = await runMaintenance(context, plan, {
      url,
      journal: noted().journal,
      planned: options,
      force: true,
    });
    const effects = new Map(results.map(({ task, outcome, effect }) => [task.index ?? task.table, [outcome, effect]]));
    // VACUUM passes over a page that is being written to disk at that moment.
    const nearlyAll = /^0 % of pages visible before, (100|9\d(\.\d)?) % after$/;
    expect(effects.get('log')).toEqual(['done', expect.stringMatching(nearlyAll)]);
    expect(effects.get('seen')?.[0]).toBe('done');
    expect(effects.get('busy_key')).toEqual(['done', expect.stringMatching(/^\d\.\d MB before, \d+ kB after$/)]);
    await planned(context, [], options);
  });

  test('dead rows that somebody still needs are left alone, and it is said who does', async () => {
    await using scratch = await server(major);
    const url = scratch.url();
    await runStatements(url, ['CREATE TABLE kept AS SELECT n AS id FROM generate_series(1, 3000) n']);
    await using reader = await session(url);
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM kept');
    await runStatements(url, ['DELETE FROM kept WHERE id % 2 = 0']);
    await runStatements(url, ['VACUUM kept', 'ANALYZE kept']);
    await using context = await openCheckContext({ url });
    await expect
      .poll(async () => (await planMaintenance(context, small)).leftOut)
      .toEqual([
        {
          subject: 'dead rows of 1 table',
          reason: expect.stringContaining('idle in transaction'),
          fix: expect.any(String),
        },
      ]);
    expect((await planMaintenance(context, small)).tasks).toEqual([]);
    await reader.query('ROLLBACK');
    const plan = await planned(context, ['vacuum kept']);
    const [done] = await runMaintenance(context, plan, { url, journal: noted().journal, planned: small });
    expect(done).toMatchObject({ outcome: 'done', effect: '1,500 dead rows before, 0 after' });
  });

  test('only what is asked for is planned; old row versions are frozen first', async () => {
    await using scratch = await scratchServer(major, { autovacuum: 'off', autovacuum_freeze_max_age: '100000' });
    const url = scratch.url();
    await runStatements(url, [
      'CREATE TABLE old AS SELECT n AS id FROM generate_series(1, 100) n',
      'CREATE TABLE stale AS SELECT n AS id FROM generate_series(1, 1000) n',
      'CREATE PROCEDURE burn() LANGUAGE plpgsql AS $$ BEGIN FOR n IN 1..80000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$',
      'CALL burn()',
      'VACUUM (FREEZE) stale',
    ]);
    await using context = await openCheckContext({ url });
    await planned(context, ['analyze old', 'analyze stale'], { ...small, optimize: false });
    await planned(context, ['freeze old'], { ...small, analyze: false });
    const plan = await planMaintenance(context, small);
    expect(tasksOf(plan.tasks)[0]).toBe('freeze old');
    const [first] = await runMaintenance(context, plan, { url, planned: small, journal: noted().journal });
    expect(first).toMatchObject({ outcome: 'done', effect: expect.stringMatching(/^age 8\d,\d+ before, \d+ after/) });
  });

  test('a locked table is skipped without waiting, one that others want is given up', async () => {
    await using scratch = await server(major);
    const url = scratch.url();
    await runStatements(url, [
      'CREATE TABLE locked AS SELECT n AS id FROM generate_series(1, 2000) n',
      ...slowTable('wanted'),
    ]);
    await using context = await openCheckContext({ url });
    const plan = await planned(context, ['analyze locked', 'analyze wanted']);
    await using holder = await session(url);
    await holder.query('BEGIN; LOCK TABLE locked');
    const { journal } = noted();
    await using other = await session(url);
    let altered: Promise<unknown> | undefined;
    const results = await runMaintenance(context, plan, {
      url,
      journal: {
        async begin(entry) {
          if (entry.subject.endsWith('wanted')) altered = alterOnceAnalysed(other);
          return journal.begin(entry);
        },
      },
      planned: small,
    });
    const outcome = (table: string) => results.find(({ task }) => task.table === table);
    expect(outcome('locked')).toMatchObject({ outcome: 'skipped', reason: 'its table is locked' });
    expect(outcome('wanted')).toMatchObject({ outcome: 'cancelled', reason: 'others waited for its lock' });
    await altered;
    await holder.query('ROLLBACK');
  });

  test('a session that is lost ends the run, and nobody claims to know what became of its statement', async () => {
    await using scratch = await server(major);
    const url = scratch.url();
    await runStatements(url, [
      ...slowTable('lost'),
      'CREATE TABLE next AS SELECT n AS id FROM generate_series(1, 1000) n',
    ]);
    await using context = await openCheckContext({ url });
    const plan = await planned(context, ['analyze lost', 'analyze next']);
    const first = { ...plan, tasks: plan.tasks.toSorted((a, b) => a.table.localeCompare(b.table)) };
    const { written, journal } = noted();
    const running = runMaintenance(context, first, { url, journal, planned: small });
    await using other = await session(url);
    await expect
      .poll(
        async () => (await other.query('SELECT pg_terminate_backend(pid) FROM pg_stat_progress_analyze')).rows.length,
      )
      .toBe(1);
    expect(await running).toMatchObject([
      { outcome: 'failed', reason: expect.stringContaining('was lost') },
      { outcome: 'not-run', reason: 'the connection was lost' },
    ]);
    expect(written.map(({ end }) => end?.outcome)).toEqual([undefined, 'unknown']);
  });

  test('invalid indexes are rebuilt, leftovers removed, and an interrupted rebuild leaves nothing behind', async () => {
    await using scratch = await server(major);
    const url = scratch.url();
    await runStatements(url, [
      'CREATE TABLE t AS SELECT n AS id, n % 7 AS kind FROM generate_series(1, 5000) n',
      'CREATE INDEX t_kind ON t (kind)',
      'CREATE INDEX t_id ON t (id)',
      'VACUUM ANALYZE t',
    ]);
    const invalid = async () => {
      await using client = await session(url);
      return (
        await client.query<{ name: string }>(
          'SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid ORDER BY 1',
        )
      ).rows.map(({ name }) => name);
    };
    // What a REINDEX leaves that was cut off.
    await using holder = await session(url);
    await holder.query('BEGIN; DELETE FROM t WHERE id = 1');
    await using builder = await session(url);
    await builder.query(`SET lock_timeout = '300ms'`);
    await expect(builder.query('REINDEX INDEX CONCURRENTLY t_id')).rejects.toMatchObject({ code: '55P03' });
    await holder.query('ROLLBACK');
    expect(await invalid()).toEqual(['t_id_ccnew']);
    await runStatements(url, [`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_kind'::regclass`]);
    await using context = await openCheckContext({ url });
    const plan = await planned(context, ['drop-leftover t_id_ccnew', 'reindex t_kind'], { ...small, analyze: false });

    // Interrupted while it waits for a transaction that was short when it began.
    await using writer = await session(url);
    const interrupted = new AbortController();
    const onlyReindex = { ...plan, tasks: plan.tasks.filter(({ kind }) => kind === 'reindex') };
    const options: RunOptions = { url, journal: noted().journal, planned: small, force: true };
    await writer.query('BEGIN; DELETE FROM t WHERE id = 2');
    const running = runMaintenance(context, onlyReindex, { ...options, signal: interrupted.signal });
    await expect.poll(invalid).toContain('t_kind_ccnew');
    interrupted.abort();
    // What it made is being dropped, which takes until that transaction is over.
    const dropping = `SELECT FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DROP /* pitcrew */ INDEX%'`;
    await expect.poll(async () => (await holder.query(dropping)).rows.length).toBe(1);
    await writer.query('ROLLBACK');
    expect(await running).toMatchObject([{ outcome: 'cancelled', reason: 'interrupted' }]);
    expect(await invalid()).toEqual(['t_id_ccnew', 't_kind']);

    // Nor is anything rebuilt while a base backup runs.
    const backup = new pg.Client({ connectionString: url, replication: 'true' } as pg.ClientConfig);
    backup.on('error', () => {});
    await backup.connect();
    const backedUp = backup.query(`BASE_BACKUP (MAX_RATE 32, WAIT false, CHECKPOINT 'fast')`).catch(() => {});
    const backups = async () => (await holder.query('SELECT FROM pg_stat_progress_basebackup')).rowCount;
    await expect.poll(backups).toBe(1);
    const waiting = await runMaintenance(context, onlyReindex, options);
    expect(waiting).toMatchObject([{ outcome: 'skipped', reason: expect.stringContaining('base backup') }]);
    (backup as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    await backedUp;
    await expect.poll(backups).toBe(0);

    const results = await runMaintenance(context, plan, options);
    expect(results.map(({ outcome }) => outcome)).toEqual(['done', 'done']);
    expect(await invalid()).toEqual([]);
  });

  test('a time that is up, a busy server and an interruption leave tasks for another day', async () => {
    await using scratch = await server(major);
    const url = scratch.url();
    await runStatements(url, ['CREATE TABLE a AS SELECT n AS id FROM generate_series(1, 1000) n']);
    await using context = await openCheckContext({ url });
    const plan = await planned(context, ['analyze a']);
    const { written, journal } = noted();
    const options: RunOptions = { url, journal, planned: small };
    const late = { ...plan, tasks: plan.tasks.map((task) => ({ ...task, estimatedSeconds: 100 })) };
    expect(await runMaintenance(context, late, { ...options, maxMs: 5000 })).toMatchObject([
      { outcome: 'not-run', reason: expect.stringContaining('it would take about 100 s') },
    ]);
    await using busy = await session(url);
    const working = busy.query('SELECT pg_sleep(60)').catch(() => {});
    const events: string[] = [];
    await expect
      .poll(async () => {
        const rows = await context.connection.run<{ n: number }>(
          `SELECT count(*) AS "n" FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep%' AND application_name NOT LIKE 'pitcrew%'`,
        );
        return rows[0]?.n;
      })
      .toBe(1);
    expect(
      await runMaintenance(context, plan, {
        ...options,
        maxMs: 700,
        load: { activeSessions: 1, everyMs: 20 },
        tell: (event) => void (event.type === 'waiting' && events.push(event.why)),
      }),
    ).toMatchObject([{ outcome: 'not-run', reason: 'the server was busy until the time was up: 1 session at work' }]);
    expect(events[0]).toBe('1 session at work');
    await runStatements(url, [
      `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'`,
    ]);
    await working;
    expect(await runMaintenance(context, plan, { ...options, signal: AbortSignal.abort() })).toMatchObject([
      { outcome: 'not-run', reason: 'interrupted' },
    ]);
    expect(written).toEqual([]);
  });

  test('a role without rights is told what it may not maintain, a standby is refused', async () => {
    await using scratch = await server(major);
    const url = scratch.url();
    await runStatements(url, [
      `CREATE ROLE plain LOGIN PASSWORD 'plain'`,
      'CREATE TABLE theirs AS SELECT n AS id FROM generate_series(1, 1000) n',
      'CREATE TABLE own AS SELECT n AS id FROM generate_series(1, 1000) n',
      'ALTER TABLE own OWNER TO plain',
    ]);
    const plain = new URL(url);
    [plain.username, plain.password] = ['plain', 'plain'];
    {
      await using context = await openCheckContext({ url: plain.href });
      const plan = await planned(context, ['analyze own']);
      expect(plan.leftOut).toContainEqual({
        subject: 'public.theirs',
        reason: 'plain may not maintain it',
        fix: expect.stringContaining(major >= 17 ? 'GRANT pg_maintain TO plain' : 'as the owner'),
      });
      const results = await runMaintenance(context, plan, {
        url: plain.href,
        journal: noted().journal,
        planned: small,
      });
      expect(results.map(({ outcome }) => outcome)).toEqual(['done']);
    }
    await using replica = await scratchReplica(scratch, major);
    await using context = await openCheckContext({ url: replica.url() });
    await expect(planMaintenance(context, all)).rejects.toMatchObject({ code: 'E_UNSUPPORTED' });
  });
});

describe.each(testedMajors(18, 17, 15))('rights on PostgreSQL %i', (major) => {
  test('a role does what the server lets it do, and is told what it may not', async () => {
    await using scratch = await server(major);
    const url = scratch.url();
    const invalid = ['t_id', 't_id_ccnew', 'closed.c_id'];
    await runStatements(url, [
      `CREATE ROLE plain LOGIN PASSWORD 'plain'`,
      'CREATE SCHEMA closed',
      'CREATE TABLE t AS SELECT n AS id FROM generate_series(1, 1000) n',
      'CREATE TABLE closed.c AS SELECT n AS id FROM generate_series(1, 1000) n',
      'CREATE INDEX t_id ON t (id)',
      'CREATE INDEX t_id_ccnew ON t (id)',
      'CREATE INDEX c_id ON closed.c (id)',
      ...invalid.map((name) => `UPDATE pg_index SET indisvalid = false WHERE indexrelid = '${name}'::regclass`),
    ]);
    const plain = new URL(url);
    [plain.username, plain.password] = ['plain', 'plain'];
    const run = async (expected: readonly string[]) => {
      await using context = await openCheckContext({ url: plain.href });
      const plan = await planned(context, expected);
      const { journal } = noted();
      const results = await runMaintenance(context, plan, { url: plain.href, journal, planned: small, force: true });
      expect(results.map(({ task, outcome, reason }) => [task.kind, outcome, reason])).toEqual(
        plan.tasks.map(({ kind }) => [kind, 'done', null]),
      );
      return plan.leftOut.map(({ reason, fix }) => `${reason} (${fix})`);
    };
    expect((await run([])).join('\n')).toMatch(/^plain may not maintain them, public\.t among them/m);

    // The owner of a database may vacuum and analyse what is in it, and rebuild nothing.
    await runStatements(url, ['ALTER DATABASE postgres OWNER TO plain', 'GRANT USAGE ON SCHEMA closed TO plain']);
    const asDatabaseOwner = await run(['analyze c', 'analyze t']);
    expect(asDatabaseOwner.join('\n')).toMatch(/^plain may not maintain them, index /m);
    if (major < 17) return;

    await runStatements(url, [
      'ALTER DATABASE postgres OWNER TO CURRENT_USER',
      'REVOKE USAGE ON SCHEMA closed FROM plain',
      'GRANT MAINTAIN ON t TO plain',
      'DELETE FROM t WHERE id > 500',
      'DELETE FROM closed.c WHERE id > 500',
    ]);
    const withMaintain = await run(['vacuum t', 'reindex t_id']);
    expect(withMaintain).toEqual([
      expect.stringContaining('plain may not maintain them, closed.c among them (GRANT pg_maintain TO plain)'),
      expect.stringContaining('plain does not own it (run it as the owner'),
      expect.stringContaining('GRANT USAGE ON SCHEMA closed TO plain'),
    ]);
    await runStatements(url, ['GRANT pg_maintain TO plain', 'GRANT USAGE ON SCHEMA closed TO plain']);
    expect(await run(['vacuum c', 'reindex c_id'])).toEqual([expect.stringContaining('plain does not own it')]);
    await using client = await session(url);
    const { rows } = await client.query(`SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid`);
    expect(rows).toEqual([{ name: 't_id_ccnew' }]);
  });
});

/** A table of which ANALYZE takes long: it computes indexed expressions. */
function slowTable(name: string): string[] {
  return [
    `CREATE TABLE ${name} (id int)`,
    `CREATE FUNCTION slow(id int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
       IF current_setting('test.quick', true) IS DISTINCT FROM 'on' THEN PERFORM pg_catalog.pg_sleep(0.02); END IF;
       RETURN id;
     END $$`,
    `CREATE INDEX ON ${name} (slow(id))`,
    `SET test.quick = 'on'`,
    `INSERT INTO ${name} SELECT n FROM generate_series(1, 5000) n`,
  ];
}

/** Wants the table for itself as soon as it is being analysed. */
async function alterOnceAnalysed(client: { query(sql: string): Promise<{ rows: unknown[] }> }): Promise<void> {
  await expect
    .poll(async () => (await client.query('SELECT FROM pg_stat_progress_analyze')).rows.length, { interval: 20 })
    .toBeGreaterThan(0);
  await client.query('ALTER TABLE wanted ADD COLUMN more int');
}
