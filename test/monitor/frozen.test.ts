import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, test } from 'vitest';
import { configDefinition } from '../../src/config/definition.ts';
import { connectDatabase } from '../../src/engine/postgres/index.ts';
import { watch } from '../support/monitored.ts';
import { type ScratchServer, scratchServer } from '../support/postgres.ts';

const impatient = configDefinition.parse({
  monitor: {
    cadence: { activity: '250ms', statements: '1s', instance: '1s', tables: '1s', slow: '1s' },
    statementTimeout: '1s',
    lockTimeout: '20ms',
  },
}).monitor;

const patient = { timeout: 30_000, interval: 50 };

/** Stops every process of a server where it is: connections are taken by the kernel, and nobody answers. */
async function freeze(server: ScratchServer): Promise<Disposable> {
  const admin = new pg.Client(server.url());
  await admin.connect();
  const { rows } = await admin.query<{ pid: number }>('SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
  await admin.end();
  const postmaster = Number(readFileSync(join(server.dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
  // The postmaster first: it would start others in the place of those that it misses.
  const pids = [postmaster, ...rows.map(({ pid }) => pid)];
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  return {
    [Symbol.dispose]() {
      for (const pid of pids.toReversed()) process.kill(pid, 'SIGCONT');
    },
  };
}

test('a server that hangs is told, nothing waits for it, and it is watched on when it answers again', async () => {
  await using server = await scratchServer(18);
  await using monitor = watch({ url: server.url(), config: impatient });
  await monitor.collectNow();
  expect(monitor.status().connection).toBe('watching');
  {
    using _ = await freeze(server);
    await expect.poll(() => monitor.status().connection, patient).toBe('unreachable');
    expect(monitor.status()).toMatchObject({
      message: expect.stringContaining('does not answer'),
      hint: expect.stringContaining('frozen'),
    });
    expect(monitor.health()).toMatchObject({ status: 'critical', score: 0 });
    await expect(monitor.explain({ text: 'SELECT 1' })).rejects.toMatchObject({ code: 'E_DATABASE_UNREACHABLE' });
    await expect(connectDatabase({ url: server.url(), connectTimeoutMs: 200 })).rejects.toMatchObject({
      code: 'E_DATABASE_UNREACHABLE',
      detail: expect.stringContaining('timeout'),
      hint: expect.stringContaining('hangs'),
    });
    await monitor.collectNow();
  }
  await expect.poll(() => monitor.status().connection, patient).toBe('watching');
  await monitor.collectNow();
  expect(monitor.status().collectors.map(({ state }) => state)).not.toContain('failing');
  expect(monitor.activity()).toBeDefined();
});

test('watching a server that hangs from the start can be stopped at once', async () => {
  await using server = await scratchServer(18);
  using _ = await freeze(server);
  const monitor = watch({ url: server.url(), config: impatient });
  expect(monitor.status().connection).toBe('connecting');
  await monitor.stop();
});
