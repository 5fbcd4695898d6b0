import pg from 'pg';
import { expect, test } from 'vitest';
import { configDefinition } from '../../src/config/definition.ts';
import type { DatabaseMonitor, MonitorEvent } from '../../src/ops/monitor/index.ts';
import { startReplica, startServer } from '../../src/ops/embedded/index.ts';
import { installedServers, scratchServer, testDatabase, testedMajors, testSettings } from '../support/postgres.ts';
import { watch } from '../support/monitored.ts';

/** Every collector runs about once a second. */
const often = configDefinition.parse({
  monitor: {
    cadence: { activity: '250ms', statements: '1s', instance: '1s', tables: '1s', slow: '1s' },
    statementTimeout: '10s',
    lockTimeout: '20ms',
  },
}).monitor;

/** And gives up early: not before a busy machine has answered. */
const impatient = { ...often, statementTimeout: 1000 };

const patient = { timeout: 30_000, interval: 100 };

async function connected(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = new pg.Client(url);
  // A server that is stopped under it is what these tests are about.
  client.on('error', () => undefined);
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

function states(monitor: DatabaseMonitor): Record<string, string> {
  return Object.fromEntries(monitor.status().collectors.map(({ name, state }) => [name, state]));
}

/** Waits for a run of every collector that begins from now on, and tells how each is. */
async function statesOfNextRuns(monitor: DatabaseMonitor): Promise<Record<string, string>> {
  await monitor.collectNow();
  return states(monitor);
}

const allOk = { activity: 'ok', statements: 'ok', instance: 'ok', tables: 'ok', slow: 'ok' };

test('a server that stops is told, and watched on when it is back', async () => {
  await using server = await scratchServer(18);
  {
    await using client = await connected(server.url());
    await client.query('CREATE EXTENSION pg_stat_statements');
  }
  await using monitor = watch({ url: server.url(), config: often });
  const events: MonitorEvent[] = [];
  monitor.onEvent((event) => events.push(event));
  await monitor.collectNow();
  expect(monitor.status()).toMatchObject({ connection: 'watching', message: null });
  await server.whileStopped(async () => {
    await expect.poll(() => monitor.status().connection, patient).toBe('unreachable');
    expect(monitor.status()).toMatchObject({ message: expect.any(String), hint: expect.any(String) });
    expect(monitor.activity()).toBeUndefined();
    expect(monitor.health()).toMatchObject({ status: 'critical', score: 0 });
    expect(new Set(Object.values(states(monitor)))).toEqual(new Set(['paused']));
    await expect(monitor.explain({ text: 'SELECT 1' })).rejects.toMatchObject({ code: 'E_DATABASE_UNREACHABLE' });
  });
  await expect.poll(() => monitor.status().connection, patient).toBe('watching');
  expect(await statesOfNextRuns(monitor)).toEqual(allOk);
  const told = events.filter((event) => event.type === 'connection').map(({ connection }) => connection);
  expect(told).toEqual(['watching', ...told.slice(1, -1), 'watching']);
  expect(told).toContain('unreachable');
});

test('a monitor that is stopped while it still looks at the server leaves no connection behind', async () => {
  await using database = await testDatabase();
  const ours = async (query: string) =>
    await database.query(
      "SELECT 1 FROM pg_stat_activity WHERE application_name = 'pitcrew' AND datname = current_database() AND query LIKE $1",
      [query],
    );
  // Where in its first look a monitor is stopped is not ours to say, so several are.
  for (let turn = 0; turn < 8; turn += 1) {
    const monitor = watch({ url: database.url, config: often });
    while ((await ours('SELECT /* pitcrew */%')).length === 0);
    await monitor.stop();
    await expect.poll(() => ours('%'), patient).toEqual([]);
  }
});

test('a wrong password is told with what to do about it', async () => {
  await using server = await scratchServer(18);
  await using monitor = watch({ url: server.url().replace(/:[^:@/]*@/, ':wrong@'), config: often });
  await monitor.collectNow();
  expect(monitor.status()).toMatchObject({ connection: 'refused', hint: expect.stringMatching(/password/) });
  expect(JSON.stringify(monitor.status())).not.toContain('wrong@');
});

test('a standby is watched, and goes on when it is promoted', async () => {
  await using primary = await scratchServer(18);
  const installed = installedServers().find(({ major }) => major === 18);
  const replica = await startReplica(primary, {
    dataDir: `${primary.dataDir}-replica`,
    settings: testSettings,
    ...(installed ? { binaries: installed.binaries } : {}),
  });
  try {
    await using ofPrimary = watch({ url: primary.url(), config: often });
    await using monitor = watch({ url: replica.url(), config: often });
    await Promise.all([ofPrimary.collectNow(), monitor.collectNow()]);
    expect(monitor.status().server).toMatchObject({ isStandby: true });
    expect(monitor.latest().get('replication.own_lag_bytes')?.value).toBeGreaterThanOrEqual(0);
    expect(ofPrimary.latest().get('replication.replicas')?.value).toBe(1);
    expect(ofPrimary.latest().get('replication.replay_lag_bytes{replica="replica"}')).toBeDefined();
    // That nothing was ever cancelled here is known, too.
    const conflicts = () => monitor.health().checks.find(({ id }) => id === 'recovery-conflicts');
    await expect.poll(conflicts, patient).toMatchObject({ status: 'ok', evidence: { conflicts: 0 } });
    const { total } = await polledTotal(monitor);
    await replica.promote();
    await expect.poll(() => monitor.status().server?.isStandby, patient).toBe(false);
    // The same server: its counters go on from where they were.
    expect((await polledTotal(monitor)).total).toBeGreaterThanOrEqual(total);
    await expect.poll(() => monitor.latest().has('replication.own_lag_bytes'), patient).toBe(false);
  } finally {
    await replica.stop('immediate');
  }
});

async function polledTotal(monitor: DatabaseMonitor) {
  await expect.poll(() => monitor.latest().get('database.commits'), patient).toBeDefined();
  const found = monitor.latest().get('database.commits');
  if (!found) throw new Error('database.commits went away');
  return found;
}

test('a server without a free connection refuses, and is watched when there is one', async () => {
  await using server = await scratchServer(18, {
    max_connections: '8',
    superuser_reserved_connections: '3',
    max_wal_senders: '0',
    wal_level: 'replica',
  });
  await using admin = await connected(server.url());
  await admin.query("CREATE ROLE watcher LOGIN PASSWORD 'of the watch'");
  await admin.query('GRANT pg_monitor TO watcher');
  const url = server.url().replace(/\/\/[^@]*@/, '//watcher:of%20the%20watch@');
  const taken: pg.Client[] = [];
  for (let n = 0; n < 4; n += 1) taken.push(await connected(url));
  await using monitor = watch({ url, config: often });
  await monitor.collectNow();
  expect(monitor.status()).toMatchObject({
    connection: 'refused',
    noConnectionLeft: true,
    hint: expect.stringMatching(/max_connections/),
  });
  expect(monitor.health()).toMatchObject({ status: 'critical', score: 0 });
  for (const client of taken) await client.end();
  await expect.poll(() => monitor.status().connection, patient).toBe('watching');
  expect(await statesOfNextRuns(monitor)).toMatchObject({ activity: 'ok', instance: 'ok', tables: 'ok' });
  const own = await admin.query("SELECT FROM pg_stat_activity WHERE application_name = 'pitcrew'");
  expect(own.rowCount).toBeLessThanOrEqual(2);
});

test.each(testedMajors(18, 15))(
  'on PostgreSQL %i a role without rights sees what it may, and is told what it lacks',
  async (major) => {
    await using database = await testDatabase(major);
    await database.query('CREATE EXTENSION pg_stat_statements');
    const role = `${database.name}_poor`;
    await database.query(`CREATE ROLE ${role} LOGIN PASSWORD 'poor'`);
    try {
      await using monitor = watch({ url: database.url.replace(/\/\/[^@]*@/, `//${role}:poor@`) });
      await monitor.collectNow();
      expect(states(monitor)).toEqual(allOk);
      expect(
        monitor
          .status()
          .skipped.map(({ fix }) => fix)
          .join('\n'),
      ).toMatch(/GRANT/);
      expect(monitor.latest().get('sessions.max_connections')?.value).toBeGreaterThan(0);
    } finally {
      await database.query(`DROP ROLE ${role}`);
    }
  },
);

test('without pg_stat_statements everything else is watched', async () => {
  await using database = await testDatabase();
  await using monitor = watch({ url: database.url });
  await monitor.collectNow();
  expect(states(monitor)).toEqual({ ...allOk, statements: 'skipped' });
  const skipped = monitor.status().skipped.find(({ subject }) => subject.includes('pg_stat_statements'));
  expect(skipped?.fix).toMatch(/CREATE EXTENSION/);
  expect(monitor.status().collectors.find(({ name }) => name === 'statements')?.message).toBe(skipped?.reason);
});

test.each(testedMajors(18, 15))(
  'on PostgreSQL %i an exclusively locked table and sequence hold nothing up',
  async (major) => {
    // A server of its own: on a shared one sessions of other tests wait for locks as well.
    await using server = await scratchServer(major);
    await using holder = await connected(server.url());
    await holder.query('CREATE EXTENSION pg_stat_statements');
    await holder.query('CREATE TABLE locked (id bigserial PRIMARY KEY, value text)');
    await using monitor = watch({ url: server.url(), config: often });
    await holder.query('BEGIN');
    await holder.query('ALTER SEQUENCE locked_id_seq INCREMENT BY 2');
    await holder.query('LOCK TABLE locked IN ACCESS EXCLUSIVE MODE');
    await using blocked = await connected(server.url());
    const waiting = blocked.query('SELECT * FROM locked');
    await expect
      .poll(async () => {
        await monitor.collectNow(['activity']);
        return monitor.activity()?.sessions.filter(({ blockedBy }) => blockedBy.length > 0);
      }, patient)
      .toMatchObject([
        { waitType: 'Lock', waitsFor: { relation: expect.stringContaining('locked'), mode: 'AccessShareLock' } },
      ]);
    expect(await statesOfNextRuns(monitor)).toEqual(allOk);
    expect(monitor.tables().map(({ name }) => name)).toContain('locked');
    expect(monitor.latest().get('sessions.blocked')?.value).toBe(1);
    await holder.query('ROLLBACK');
    await waiting;
  },
);

test('a backend that hangs is given up and replaced', async () => {
  await using server = await scratchServer(18);
  await using admin = await connected(server.url());
  await using monitor = watch({ url: server.url(), config: impatient });
  await monitor.collectNow();
  const { rows } = await admin.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'pitcrew'",
  );
  expect(rows).toHaveLength(2);
  for (const { pid } of rows) process.kill(pid, 'SIGSTOP');
  try {
    const before = monitor.status().since;
    await expect.poll(() => monitor.status().since > before, patient).toBe(true);
    await expect.poll(() => monitor.status().connection, patient).toBe('watching');
    await monitor.collectNow(['activity', 'instance']);
    expect(states(monitor)).toMatchObject({ activity: 'ok', instance: 'ok' });
  } finally {
    for (const { pid } of rows) process.kill(pid, 'SIGCONT');
  }
});

test('stop ends at once even when the server does not answer', async () => {
  await using server = await scratchServer(18);
  await using admin = await connected(server.url());
  const monitor = watch({ url: server.url(), config: { ...often, statementTimeout: 60_000 } });
  await monitor.collectNow();
  const { rows } = await admin.query<{ pid: number }>(
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'pitcrew'",
  );
  for (const { pid } of rows) process.kill(pid, 'SIGSTOP');
  try {
    const hanging = monitor.collectNow();
    await monitor.stop();
    await hanging;
    expect(new Set(Object.values(states(monitor)))).toEqual(new Set(['paused']));
  } finally {
    for (const { pid } of rows) process.kill(pid, 'SIGCONT');
  }
});

test('another server at the same address is a new start', async () => {
  await using first = await scratchServer(18);
  const password = new URL(first.url()).password;
  await using client = await connected(first.url());
  await client.query('CREATE EXTENSION pg_stat_statements');
  await using monitor = watch({ url: first.url(), config: often });
  await monitor.collectNow();
  const notices: (string | null)[] = [];
  monitor.onEvent((event) => {
    if (event.type === 'connection' && event.connection === 'watching') notices.push(event.message);
  });
  await first.whileStopped(async () => {
    const second = await startServer({ dataDir: `${first.dataDir}-second`, port: first.port, settings: testSettings });
    await using _ = { [Symbol.asyncDispose]: () => second.stop('immediate') };
    {
      await using admin = await connected(second.url());
      await admin.query('CREATE EXTENSION pg_stat_statements');
      await admin.query('CREATE TABLE busy AS SELECT generate_series(1, 100000) AS n');
      // The server counts them by and by: here before it can be looked at.
      await admin.query('SELECT pg_stat_force_next_flush()');
      await admin.query(`ALTER ROLE pitcrew PASSWORD '${password}'`);
    }
    await expect.poll(() => notices, patient).toEqual([expect.stringMatching(/another server/)]);
    await expect.poll(() => monitor.latest().get('wal.bytes'), patient).toBeDefined();
    // What the other server did before is not counted.
    expect(monitor.latest().get('database.rows_inserted')?.value).toBeLessThan(1000);
  });
});
