import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { clusterPool } from '../support/cluster-pool.ts';
import { eventually, frozen, replicatedServers } from '../support/replicated.ts';

test('a write that is given up while there is no primary is not sent when it is back', async () => {
  await using servers = await replicatedServers();
  await servers.query(servers.primary, 'CREATE TABLE notes (id int)');
  await servers.query(servers.primary, 'GRANT ALL ON notes TO app');
  await using pool = clusterPool(servers, { failoverTimeoutMillis: 60_000, pingAfterMillis: 0, laneLimitMillis: 5000 });
  const insert = 'INSERT INTO notes VALUES ($1)';
  do await pool.query(insert, [0]);
  while (!pool.outcomes.at(-1)?.lane);
  let shared: number;
  {
    using _ = frozen(servers.primary);
    // There is an idle connection, which one gets at once as long as it is not known that there is no primary.
    await eventually(async () => {
      const lent = pool.connect().then((client) => client.release());
      return Promise.race([lent, delay(50).then(() => 'no primary')]);
    }).toBe('no primary');
    await expect(pool.query({ text: insert, values: [1], query_timeout: 50 })).rejects.toThrow('Query read timeout');
    shared = pool.stats().endpoints.find(({ role }) => role === 'primary')?.lanes ?? 0;
  }
  // Its shared connection has lived through it.
  expect(shared).toBeGreaterThan(0);
  await pool.query(insert, [2]);
  expect(await servers.query(servers.primary, 'SELECT id FROM notes WHERE id > 0')).toEqual([{ id: 2 }]);
});
