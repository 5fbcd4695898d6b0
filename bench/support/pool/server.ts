import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { startServer } from '../../../src/ops/embedded/index.ts';
import { median } from '../result.ts';
import { accountCount, slowStatement } from './workload.ts';

/** How long the slow statement takes when the server does nothing else, in ms. */
const slowMs = 40;

/**
 * Commits wait for the disk, as they do in production. What comes by itself at some time or other, and would fall on one
 * subject only, is done between the cases instead: vacuum and checkpoints.
 */
const settings = {
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '256MB',
  max_wal_size: '8GB',
  checkpoint_timeout: '1h',
  autovacuum: 'off',
  max_connections: '200',
  // A slow statement keeps one CPU busy, not all of them.
  max_parallel_workers_per_gather: '0',
};

export interface BenchServer {
  url: string;
  version: string;
  settings: string;
  /** The slow statement, and how long it took by itself. */
  slow: { text: string; ms: number };
  /** What the updates so far have added up to. */
  updates(): Promise<number>;
  /** Transactions that ended well, of sessions that are closed. */
  commits(): Promise<number>;
  /** Removes dead rows, and writes out what has changed. */
  tidy(): Promise<void>;
  stop(): Promise<void>;
}

/** A PostgreSQL of its own with 100,000 accounts. */
export async function startBenchServer(): Promise<BenchServer> {
  const folder = mkdtempSync(join(tmpdir(), 'pitcrew-bench-'));
  chmodSync(folder, 0o777);
  const server = await startServer({ dataDir: join(folder, 'data'), settings });
  const client = new Client(server.url());
  const stop = async (): Promise<void> => {
    await client.end().catch(() => {});
    await server.stop('immediate');
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await client.connect();
    await client.query(`
      CREATE TABLE accounts (
        id        int         PRIMARY KEY,
        branch_id int         NOT NULL,
        name      text        NOT NULL,
        balance   int         NOT NULL,
        opened_at timestamptz NOT NULL
      ) WITH (fillfactor = 80);
      INSERT INTO accounts
      SELECT i, (i - 1) / 10 + 1, 'account ' || i, 0, timestamptz '2025-01-01Z' + i * interval '1 min'
        FROM generate_series(1, ${accountCount}) AS i;
      CREATE INDEX ON accounts (branch_id);
    `);
    const tidy = async (): Promise<void> => {
      await client.query('VACUUM (ANALYZE) accounts');
      await client.query('CHECKPOINT');
    };
    await tidy();
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    return {
      url: server.url(),
      version: rows[0]?.server_version ?? '',
      settings: Object.entries(settings)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
      slow: await calibrate(client),
      updates: async () => {
        const { rows: sums } = await client.query<{ sum: number }>('SELECT sum(balance)::int AS sum FROM accounts');
        return sums[0]?.sum ?? Number.NaN;
      },
      commits: async () => {
        const { rows: counts } = await client.query<{ commits: number }>(
          'SELECT xact_commit::float8 AS commits FROM pg_stat_database WHERE datname = current_database()',
        );
        return counts[0]?.commits ?? Number.NaN;
      },
      tidy,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Finds the number of accounts for which the report takes about as long as it should on this machine. */
async function calibrate(client: Client): Promise<{ text: string; ms: number }> {
  const whole = await timeOf(client, slowStatement(accountCount));
  const accounts = Math.min(accountCount, Math.round((accountCount * slowMs) / whole));
  const text = slowStatement(accounts);
  return { text, ms: await timeOf(client, text) };
}

async function timeOf(client: Client, text: string): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < 7; run++) {
    const began = performance.now();
    await client.query(text);
    times.push(performance.now() - began);
  }
  return median(times);
}
