import type pg from 'pg';
import { expect, test } from 'vitest';
import type { PitcrewError } from '../../../errors.ts';
import { type Ledger, ledger } from '../../../../test/support/ledger.ts';
import type { PoolWarning } from '../../observer.ts';
import { runInScope } from '../../scope.ts';
import { runTransaction, type TransactionClient } from '../transactions/index.ts';
import { createHolders, type Holder, type Holders, type HoldersOptions } from './index.ts';

/** A `pg.Pool` that tells who holds its connections. */
interface Told extends AsyncDisposable {
  there: Ledger;
  holders: Holders;
  warnings: PoolWarning[];
  connect(): Promise<{ client: pg.PoolClient; holder: Holder }>;
  transaction<T>(fn: (client: TransactionClient) => Promise<T>): Promise<T>;
}

async function told(max: number, options: Partial<HoldersOptions> = {}): Promise<Told> {
  const there = await ledger({ config: { max } });
  const warnings: PoolWarning[] = [];
  const observer = { warned: (warning: PoolWarning) => void warnings.push(warning) };
  const holders = createHolders({ endpoint: 'db:5432', capacity: () => max, observer, ...options });
  const { pool } = there;

  async function lend(kind: 'connect' | 'transaction', above: (...args: never[]) => unknown) {
    const site = holders.callSite(above);
    const refusal = Promise.withResolvers<never>();
    const full = pool.idleCount === 0 && pool.totalCount >= max;
    const wait = full ? holders.waiting(site, refusal.reject) : undefined;
    const coming = pool.connect();
    refusal.promise.catch(() => coming.then((client) => client.release()));
    const client = await Promise.race([coming, refusal.promise]);
    wait?.ended();
    const { processID: pid } = client as unknown as { processID: number };
    const holder = holders.taken({ kind, pid, site });
    const { release, query } = client;
    client.query = ((text: string, values: unknown[]) => {
      holders.note(holder, text);
      const answer = Reflect.apply(query, client, [text, values]) as Promise<unknown>;
      return answer.finally(() => holders.idle(holder));
    }) as typeof query;
    client.release = (error) => {
      client.query = query;
      holders.released(holder);
      release(error);
    };
    return { client, holder };
  }

  return {
    there,
    holders,
    warnings,
    connect: function connect() {
      return lend('connect', connect);
    },
    transaction: async function transaction(fn) {
      let holder: Holder | undefined;
      const acquire = async () => {
        const lent = await lend('transaction', transaction);
        ({ holder } = lent);
        return lent.client;
      };
      return runTransaction(acquire, (client) => (holder ? holders.within(holder, () => fn(client)) : fn(client)));
    },
    [Symbol.asyncDispose]: () => there[Symbol.asyncDispose](),
  };
}

async function loadOrders(from: Told) {
  return from.connect();
}

test('the report names who holds what: line, time, statement without values, process; the longest first', async () => {
  await using world = await told(3);
  const first = await loadOrders(world);
  const second = await runInScope('GET /orders', () => loadOrders(world));
  await second.client.query("SELECT 'secret'");
  const running = second.client.query('SELECT pg_sleep(0.2)');
  const [one, two, ...others] = world.holders.report();
  expect(others).toEqual([]);
  expect(one).toEqual({
    kind: 'connect',
    line: expect.stringMatching(/^loadOrders \(src\/client\/pool\/holders\/holders\.test\.ts:\d+:\d+\)$/),
    heldMs: expect.any(Number),
    pid: first.holder.pid,
    statement: undefined,
    running: false,
    waits: undefined,
    request: undefined,
  });
  expect(two).toMatchObject({ statement: 'SELECT pg_sleep(?)', running: true, request: 'GET /orders' });
  expect(one?.heldMs).toBeGreaterThanOrEqual(two?.heldMs ?? Infinity);
  await running;
  const text = world.holders.describe();
  expect(text).not.toContain('secret');
  expect(text.split('\n')).toEqual([
    'Held:',
    expect.stringMatching(/^for \d+ ms by connect at loadOrders \(.*\) \(pid \d+\), without a statement so far$/),
    expect.stringMatching(
      /^for \d+ ms by connect at loadOrders .* for GET \/orders \(pid \d+\), idle after SELECT pg_sleep/,
    ),
  ]);
  first.client.release();
  second.client.release();
  expect(world.holders.report()).toEqual([]);
  expect(world.holders.describe()).toBe('');
});

test('what is told stays short whatever is held', async () => {
  const holders = createHolders({ endpoint: 'db:5432', capacity: () => 500 });
  for (let pid = 1; pid <= 500; pid++) {
    const holder = holders.taken({ kind: 'statement', pid });
    holders.note(holder, `SELECT ${Array.from({ length: 1000 }, (_, index) => `column_${index}`).join(', ')}`);
  }
  const text = holders.describe();
  expect(text.split('\n')).toHaveLength(12);
  expect(text).toContain('and 490 more');
  expect(text.length).toBeLessThan(4000);
});

test('lines are known at a low rate, and at a high one looked at for few', () => {
  const holders = createHolders({ endpoint: 'db:5432', capacity: () => 10 });
  const sites = Array.from({ length: 20_000 }, () => holders.callSite(holders.callSite.bind(holders)));
  expect(sites.slice(0, 100).every((site) => site !== undefined)).toBe(true);
  expect(sites.filter((site) => site !== undefined).length).toBeLessThan(2000);
  const watched = createHolders({ endpoint: 'db:5432', capacity: () => 10, leakDetectionMs: 60_000 });
  const all = Array.from({ length: 1000 }, () => watched.callSite(test));
  expect(all.every((site) => site !== undefined)).toBe(true);
});

test('a connection that is held for too long is warned of once, with the line that took it', async () => {
  await using world = await told(2, { leakDetectionMs: 50 });
  const leaked = await loadOrders(world);
  await leaked.client.query('SELECT 42');
  const short = await world.connect();
  short.client.release();
  await expect.poll(() => world.warnings).toHaveLength(1);
  // Those that come later have their own time, and the first is not told again.
  const second = await loadOrders(world);
  await expect.poll(() => world.warnings).toHaveLength(2);
  expect(world.warnings[0]).toEqual({
    code: 'leak',
    message: expect.stringMatching(/^a connection has been held for \d+ ms: was it ever released\?$/),
    detail: expect.stringMatching(
      /^db:5432, for .* by connect at loadOrders \(src\/.*, idle after SELECT \?\n {2}called from/,
    ),
  });
  expect(world.warnings[1]?.detail).toContain(`pid ${second.holder.pid}`);
  leaked.client.release();
  second.client.release();
});

test('a client released inside a transaction is warned of with its line', async () => {
  await using world = await told(1);
  const { client, holder } = await loadOrders(world);
  world.holders.openTransaction(holder);
  client.release();
  expect(world.warnings).toMatchObject([{ code: 'open-transaction', detail: expect.stringContaining('loadOrders') }]);
});

/** Takes a second connection inside a transaction, once as many have begun. */
async function nestedWrongly(world: Told, met: () => Promise<void>): Promise<string> {
  return world.transaction(async (client) => {
    await client.query('SELECT 1');
    await met();
    const other = await world.connect();
    await other.client.query('SELECT 2');
    other.client.release();
    return 'done';
  });
}

function meeting(count: number): () => Promise<void> {
  const all = Promise.withResolvers<void>();
  let come = 0;
  return () => {
    if (++come === count) all.resolve();
    return all.promise;
  };
}

test('when all connections are held by transactions that wait for one more, the last to wait fails with all lines', async () => {
  await using world = await told(3);
  const met = meeting(3);
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => nestedWrongly(world, met)));
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  expect(failed).toHaveLength(1);
  const error = failed[0]?.reason as PitcrewError;
  expect(error).toMatchObject({ code: 'E_POOL_DEADLOCK', status: 500 });
  expect(error.detail?.match(/by transaction at nestedWrongly \(.*waits for another connection inside/g)).toHaveLength(
    3,
  );
  expect(error.detail).toMatch(/\nwaiting at .*holders\.test\.ts:\d+:\d+/);
  expect(world.warnings).toMatchObject([{ code: 'pool-deadlock', detail: error.detail }]);
  expect(world.holders.report()).toEqual([]);
});

test('a nested transaction on a connection of its own closes a circle as well', async () => {
  await using world = await told(1);
  const running = world.transaction(() => world.transaction(() => Promise.resolve('never')));
  await expect(running).rejects.toMatchObject({ code: 'E_POOL_DEADLOCK' });
});

test('no circle: a holder that goes on, or one that is no transaction, or connections to come', async () => {
  await using world = await told(2);
  // One runs a statement for longer than it takes to look twice, and then gives its connection back.
  const met = meeting(2);
  const [waited] = await Promise.all([
    nestedWrongly(world, met),
    world.transaction(async (client) => {
      await met();
      await client.query('SELECT pg_sleep(0.4)');
    }),
  ]);
  expect(waited).toBe('done');
  // One is held bare: nobody knows what for.
  const bare = await world.connect();
  const waiting = nestedWrongly(world, meeting(1));
  await expect.poll(() => world.holders.report().map(({ waits }) => waits)).toEqual([undefined, 'function']);
  await world.there.database.query('SELECT pg_sleep(0.4)');
  bare.client.release();
  expect(await waiting).toBe('done');
  expect(world.warnings).toEqual([]);
});

test('a call inside a function that is not awaited does no harm while the function goes on', async () => {
  await using world = await told(1);
  let beside: Promise<{ client: pg.PoolClient }> | undefined;
  await world.transaction(async (client) => {
    beside = world.connect();
    for (let times = 0; times < 8; times++) await client.query('SELECT pg_sleep(0.05)');
  });
  (await beside)?.client.release();
  expect(world.warnings).toEqual([]);
});

test('bare connections are never refused, but the report says that their request waits for another', async () => {
  await using world = await told(1);
  const waiting = runInScope('GET /orders', async () => {
    const first = await world.connect();
    const second = world.connect();
    expect(world.holders.describe()).toMatch(/for GET \/orders .*its request waits for another connection/);
    first.client.release();
    return second;
  });
  (await waiting).client.release();
  expect(world.warnings).toEqual([]);
});
