import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { Fence, snapshotOf, type SnapshotRow, snapshotStatement } from '../../src/client/querycache/fence/index.ts';
import { ChangeStream, type StreamEvent } from '../../src/client/querycache/stream/index.ts';
import { scratchReplica, type ScratchServer, scratchServer } from '../support/postgres.ts';
import { eventually } from '../support/replicated.ts';
import { check, prepare, type Source } from './checker.ts';

async function asAdmin(server: { url(): string }, ...statements: string[]): Promise<pg.QueryResult> {
  const client = new pg.Client(server.url());
  await client.connect();
  try {
    let result = await client.query('SELECT');
    for (const statement of statements) result = await client.query(statement);
    return result;
  } finally {
    await client.end();
  }
}

/** A primary whose commits wait until a standby has replayed them, which takes it a moment. */
async function withStandby(): Promise<{ primary: ScratchServer; replica: { url(): string } } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const primary = stack.use(await scratchServer(18));
  await prepare(primary.url());
  const replica = stack.use(await scratchReplica(primary, 18, 'standby'));
  await asAdmin(replica, `ALTER SYSTEM SET recovery_min_apply_delay = '5ms'`, 'SELECT pg_reload_conf()');
  await asAdmin(
    primary,
    `ALTER SYSTEM SET synchronous_standby_names = 'standby'`,
    `ALTER SYSTEM SET synchronous_commit = 'remote_apply'`,
    'SELECT pg_reload_conf()',
  );
  await eventually(async () => (await asAdmin(primary, 'SELECT sync_state FROM pg_stat_replication')).rows).toEqual([
    { sync_state: 'sync' },
  ]);
  const owned = stack.move();
  return { primary, replica, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const sources: Source[] = ['replication', 'triggers'];

describe.each(sources)('changes from %s', (source) => {
  test.each(['on', 'off'])(
    'one server with synchronous_commit %s: nothing wrong is left',
    async (synchronous_commit) => {
      await using server = await scratchServer(18, { synchronous_commit });
      await prepare(server.url());
      const outcome = await check({ source, url: server.url(), fenced: true, fills: 3000, seed: 1 });
      expect(outcome.wrong).toEqual([]);
      expect(outcome.left).toBeGreaterThan(10);
    },
  );

  test('a stream that is cut again and again: nothing wrong is left', async () => {
    await using servers = await withStandby();
    const outcome = await check({ source, url: servers.primary.url(), fenced: true, fills: 3000, seed: 5, cuts: true });
    expect(outcome.wrong).toEqual([]);
    expect(outcome.epochs).toBeGreaterThan(2);
    expect(outcome.left).toBeGreaterThan(10);
  });

  test('a synchronous standby: nothing wrong is left, wherever it was read', async () => {
    await using servers = await withStandby();
    const url = servers.primary.url();
    const primary = await check({ source, url, fenced: true, fills: 3000, seed: 2 });
    expect(primary.wrong).toEqual([]);
    expect(primary.left).toBeGreaterThan(10);
    const both = await check({
      source,
      url,
      fenced: true,
      fills: 1500,
      seed: 3,
      readUrls: [url, servers.replica.url()],
    });
    expect(both.wrong).toEqual([]);
    expect(both.left).toBeGreaterThan(5);
  });
});

test('a commit that waits for a standby is in the stream before it can be seen: what is read meanwhile is refused', async () => {
  await using servers = await withStandby();
  const url = servers.primary.url();
  const fence = new Fence();
  const changes: StreamEvent[] = [];
  const stream = new ChangeStream({
    connection: () => ({ connectionString: url }),
    createPublication: 'tables',
    listener(event) {
      if (event.type === 'open') fence.open(event.snapshot);
      if (event.type === 'closed') fence.close();
      if (event.type !== 'changed') return;
      fence.changed(event);
      changes.push(event);
    },
  });
  await stream.start();
  const reader = new pg.Client({ connectionString: url, pipeline: true });
  const writer = new pg.Client(url);
  await Promise.all([reader.connect(), writer.connect()]);
  const { rows: tables } = await reader.query<{ oid: number }>(`SELECT 'accounts'::regclass::oid AS oid`);
  const on = [{ table: tables[0]?.oid ?? 0, keys: ['7'] }];
  const read = async () => {
    const token = fence.token();
    const [taken, answer] = await Promise.all([
      reader.query<SnapshotRow>(snapshotStatement),
      reader.query<{ balance: number }>('SELECT balance FROM accounts WHERE id = 7'),
    ]);
    return { balance: answer.rows[0]?.balance, kept: fence.mayKeep(on, snapshotOf(taken.rows[0]), token) };
  };
  try {
    expect(await read()).toEqual({ balance: 100, kept: true });
    await asAdmin(servers.replica, 'SELECT pg_wal_replay_pause()');
    const written = writer.query('UPDATE accounts SET balance = 0 WHERE id = 7');
    await eventually(() => changes.length).toBe(1);
    expect(await read()).toEqual({ balance: 100, kept: false });
    await asAdmin(servers.replica, 'SELECT pg_wal_replay_resume()');
    await written;
    expect(await read()).toEqual({ balance: 0, kept: true });
  } finally {
    await stream.close();
    await Promise.all([reader.end(), writer.end()]);
  }
});

test('deleting on arrival alone leaves wrong entries where commits wait for a standby', async () => {
  await using servers = await withStandby();
  const outcome = await check({ url: servers.primary.url(), fenced: false, fills: 2000, seed: 4 });
  expect(outcome.wrong.length).toBeGreaterThan(0);
});
