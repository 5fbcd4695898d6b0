import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { type Reading, read } from './reading.ts';

/** A long command that is under way. */
export interface ProgressRow {
  pid: number;
  /** `VACUUM`, `ANALYZE`, `CREATE INDEX`, `REINDEX CONCURRENTLY`, `CLUSTER`, `VACUUM FULL`, `COPY FROM`, `BASE BACKUP`, … */
  command: string;
  database: string | null;
  /** `schema.name` when it is of this database, else its oid. */
  relation: string | null;
  phase: string | null;
  done: number | null;
  /** `null` when not known. */
  total: number | null;
  unit: 'blocks' | 'bytes' | 'rows';
}

interface Source {
  view: string;
  command: string;
  phase: string;
  done: string;
  total: string;
  unit: ProgressRow['unit'];
  /** False for what works on the whole server. */
  ofDatabase: boolean;
}

const blocks = { unit: 'blocks', ofDatabase: true, phase: 'phase' } as const;

const sources: Source[] = [
  {
    ...blocks,
    view: 'pg_stat_progress_vacuum',
    command: `'VACUUM'`,
    done: 'heap_blks_scanned',
    total: 'heap_blks_total',
  },
  {
    ...blocks,
    view: 'pg_stat_progress_analyze',
    command: `'ANALYZE'`,
    done: 'sample_blks_scanned',
    total: 'sample_blks_total',
  },
  { ...blocks, view: 'pg_stat_progress_create_index', command: 'command', done: 'blocks_done', total: 'blocks_total' },
  {
    ...blocks,
    view: 'pg_stat_progress_cluster',
    command: 'command',
    done: 'heap_blks_scanned',
    total: 'heap_blks_total',
  },
  {
    view: 'pg_stat_progress_copy',
    command: `command || ' ' || type`,
    phase: 'NULL',
    done: 'bytes_processed',
    total: 'bytes_total',
    unit: 'bytes',
    ofDatabase: true,
  },
  {
    view: 'pg_stat_progress_basebackup',
    command: `'BASE BACKUP'`,
    phase: 'phase',
    done: 'backup_streamed',
    total: 'backup_total',
    unit: 'bytes',
    ofDatabase: false,
  },
];

/** All progress views of the server in one list. */
export async function readProgress(
  connection: DatabaseConnection,
  profile: ServerProfile,
): Promise<Reading<ProgressRow>> {
  const parts = sources
    .filter(({ view }) => profile.columns.has(view))
    .map(
      ({ view, command, phase, done, total, unit, ofDatabase }) => `
    SELECT pid, ${command} AS command, ${phase} AS phase,
           ${ofDatabase ? 'datname' : 'NULL::name'} AS datname, ${ofDatabase ? 'relid' : 'NULL::oid'} AS relid,
           ${done} AS done, nullif(${total}, 0) AS total, '${unit}' AS unit
      FROM ${view}`,
    );
  if (parts.length === 0) return { rows: [], skipped: [] };
  return read<ProgressRow>(
    connection,
    'progress',
    `
    SELECT pid      AS "pid",
           command  AS "command",
           datname  AS "database",
           CASE WHEN datname = current_database() THEN nullif(relid, 0)::regclass::text
                ELSE nullif(relid, 0)::text END AS "relation",
           phase    AS "phase",
           done     AS "done",
           total    AS "total",
           unit     AS "unit"
      FROM (${parts.join('\n     UNION ALL')}) p
    `,
  );
}
