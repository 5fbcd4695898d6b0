import { clientEnvironment, connectDatabase } from '../../../engine/postgres/index.ts';
import { lsnOf } from '../../../engine/postgres/replication/index.ts';
import { PitcrewError } from '../../../errors.ts';
import type { DumpRecord, Repository } from '../repository/index.ts';
import { findClient } from './client.ts';
import { dumpFileKey, dumpId, putDump } from './dumps.ts';
import { runClient } from './run-client.ts';

export interface DumpOptions {
  url: string;
  repository: Repository;
  /** That of the URL by default. */
  database?: string | undefined;
  /** Patterns as pg_dump's `--table` has them; all of the database by default. */
  tables?: readonly string[];
  /** Name and version of the program, for the record. */
  madeBy: string;
  signal?: AbortSignal | undefined;
  onBytes?(done: number): void;
}

/**
 * Dumps a database, or some of its tables, with pg_dump, straight into a repository. It is there once all of it is stored.
 * @throws {PitcrewError} `E_UNSUPPORTED` when this machine has no pg_dump for that server; `E_QUERY` with what pg_dump says; `E_CONFLICT` when the
 * repository belongs to another cluster; of the connection, of the storage; `E_ABORTED`
 */
export async function createDump(options: DumpOptions): Promise<DumpRecord> {
  const { repository, tables = [], madeBy, signal, onBytes } = options;
  const env = clientEnvironment(options.url, options.database);
  const server = await lookAtServer(options.url);
  const client = await findClient(server.version);
  if (server.systemId !== null) await repository.claim(server.systemId);
  const startedAt = new Date();
  const database = env['PGDATABASE'] ?? server.database;
  const id = dumpId(startedAt, database);
  // Compressed by us. A table that is locked for so long is told, rather than waited for.
  const args = ['--format=custom', '--compress=0', '--no-password', '--lock-wait-timeout=60s'];
  const run = runClient(client.path, [...args, ...tables.map((pattern) => `--table=${pattern}`)], {
    env: { ...env, PGDATABASE: database },
    signal,
  });
  async function* counted(): AsyncGenerator<Buffer> {
    let done = 0;
    for await (const piece of run.output) {
      done += piece.length;
      onBytes?.(done);
      yield piece;
    }
  }
  const file = await repository.putDumpFile((encrypted) => dumpFileKey(id, encrypted), counted(), signal);
  const record: DumpRecord = {
    format: 1,
    id,
    database,
    tables: [...tables],
    systemId: server.systemId,
    serverVersion: server.version,
    timeline: server.timeline,
    lsn: server.lsn,
    startedAt,
    endedAt: new Date(),
    file,
    client: client.version,
    warnings: run.messages(),
    recipients: [...repository.recipients],
    madeBy,
  };
  await putDump(repository, record);
  return record;
}

interface Server {
  version: number;
  systemId: string | null;
  timeline: number | null;
  lsn: bigint;
  database: string;
}

async function lookAtServer(url: string): Promise<Server> {
  const connection = await connectDatabase({ url, applicationName: 'pitcrew backup' });
  try {
    const [row] = await connection.run<{ version: number; lsn: string; database: string }>(`
      SELECT current_setting('server_version_num')::int AS "version",
             CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text AS "lsn",
             current_database()                         AS "database"
    `);
    if (!row) throw new PitcrewError('E_INTERNAL', 'the server did not say what it is');
    return { ...row, lsn: lsnOf(row.lsn) ?? 0n, ...(await controlOf(connection)) };
  } finally {
    await connection.close();
  }
}

async function controlOf(
  connection: Awaited<ReturnType<typeof connectDatabase>>,
): Promise<Pick<Server, 'systemId' | 'timeline'>> {
  try {
    // After a promotion the last checkpoint is of the timeline before, for a while.
    const [row] = await connection.run<{ id: string; timeline: number }>(`
      SELECT s.system_identifier::text AS "id",
             CASE WHEN pg_is_in_recovery() THEN c.timeline_id
                  ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int
             END                       AS "timeline"
        FROM pg_control_system() s, pg_control_checkpoint() c
    `);
    return { systemId: row?.id ?? null, timeline: row?.timeline ?? null };
  } catch (error) {
    // Without the right to it, whose dump this is cannot be told.
    if (error instanceof PitcrewError && error.sqlState === '42501') return { systemId: null, timeline: null };
    throw error;
  }
}
