import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { type Reading, read, whereKnown } from './reading.ts';

/** An index as it is shown beside the others of its table. */
export interface ListedIndex {
  schema: string;
  table: string;
  name: string;
  /** CREATE INDEX, as the server writes it. */
  definition: string;
  method: string;
  /** From `relpages`. */
  bytes: number;
  /** Since the server began to count; of a partitioned table 0: its partitions' are. */
  scans: number;
  /** 16+. */
  lastScan: Date | null;
  partitioned: boolean;
  valid: boolean;
  unique: boolean;
  primary: boolean;
  /** Name of the primary key, unique or exclusion constraint that it serves. */
  constraint: string | null;
  /** A foreign key of the table whose columns it begins with. */
  foreignKey: string | null;
  replicaIdentity: boolean;
  /** How many tables fit the filter, before the limit. */
  tables: number;
}

/** Indexes of the tables whose indexes take the most room, table by table. Takes no lock on any relation but that of naming its columns. */
export function readIndexList(
  connection: DatabaseConnection,
  profile: ServerProfile,
  { search, limit, offset }: { search: string; limit: number; offset: number },
): Promise<Reading<ListedIndex>> {
  const column = whereKnown(profile, 'pg_stat_all_indexes');
  return read<ListedIndex>(
    connection,
    'indexes',
    `
    WITH indexed AS (
      SELECT i.indrelid, n.nspname, t.relname, sum(c.relpages) AS pages
        FROM pg_index i
        JOIN pg_class c     ON c.oid = i.indexrelid AND c.relpersistence <> 't'
        JOIN pg_class t     ON t.oid = i.indrelid AND t.relkind IN ('r', 'p', 'm')
        JOIN pg_namespace n ON n.oid = t.relnamespace
       WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
         AND strpos(lower(n.nspname || '.' || t.relname), lower($1)) > 0
       GROUP BY 1, 2, 3
    ), page AS (
      SELECT *, count(*) OVER () AS tables
        FROM indexed
       ORDER BY pages DESC, nspname, relname
       LIMIT $2 OFFSET $3
    )
    SELECT p.nspname                                          AS "schema",
           p.relname                                          AS "table",
           c.relname                                          AS "name",
           pg_get_indexdef(c.oid)                             AS "definition",
           m.amname                                           AS "method",
           c.relpages::int8 * ${profile.blockSize}            AS "bytes",
           coalesce(pg_stat_get_numscans(c.oid), 0)           AS "scans",
           ${column('last_idx_scan', 'pg_stat_get_lastscan(c.oid)')} AS "lastScan",
           c.relkind = 'I'                                    AS "partitioned",
           i.indisvalid                                       AS "valid",
           i.indisunique                                      AS "unique",
           i.indisprimary                                     AS "primary",
           (SELECT k.conname FROM pg_constraint k
             WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')
             LIMIT 1)                                         AS "constraint",
           (SELECT k.conname FROM pg_constraint k
             WHERE k.conrelid = i.indrelid AND k.contype = 'f' AND i.indpred IS NULL
               AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
             ORDER BY 1 LIMIT 1)                              AS "foreignKey",
           i.indisreplident                                   AS "replicaIdentity",
           p.tables                                           AS "tables"
      FROM page p
      JOIN pg_index i ON i.indrelid = p.indrelid
      JOIN pg_class c ON c.oid = i.indexrelid
      JOIN pg_am m    ON m.oid = c.relam
     ORDER BY p.pages DESC, 1, 2, i.indisprimary DESC, c.relpages DESC, 3
    `,
    [search, limit, offset],
  );
}
