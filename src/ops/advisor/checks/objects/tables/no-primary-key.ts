import { type DatabaseConnection, quoteIdentifier } from '../../../../../engine/postgres/index.ts';
import { count, counted } from '../../../../words/index.ts';
import type { Check, Finding, Remedy } from '../../../types.ts';
import { judged } from '../../answers.ts';
import { keyOf, quoted, spoken } from '../names.ts';

interface Keyless {
  oid: number;
  schema: string;
  name: string;
  partitioned: boolean;
  rows: number;
  bytes: number;
  /** A unique index over columns that are never NULL: as good as a primary key, but for replication. */
  uniqueIndex: string | null;
  /** `d` the primary key, `n` nothing, `f` the whole row, `i` an index. */
  replicaIdentity: string;
  /** A publication that carries its updates or deletes. */
  publication: string | null;
  /** Columns whose values all differ, and none is NULL, as far as statistics say. */
  candidates: string[];
}

export const noPrimaryKey: Check = {
  id: 'no-primary-key',
  title: 'Tables without a primary key',
  documentation: `
    Speaks up when a table has neither a primary key nor a unique index over columns that are never NULL: then a row cannot be
    named, a repeated insert is not noticed, and logical replication can carry no update or delete of it. Partitions are not
    spoken of beside their partitioned table, nor what belongs to an extension.

    Also when a table is in a publication that carries updates or deletes and has no replica identity: PostgreSQL refuses
    those statements then. Where a unique index can be the identity, the fix says so.

    Info for tables with fewer than 1,000 rows, else warning. Which columns make a key, a person has to decide; columns whose
    values all differ by statistics are named.

    Source: \`pg_index\`, \`pg_class\`: \`relreplident\`; \`pg_publication_tables\`; \`pg_stats\`.
  `,
  async run({ connection }) {
    const tables = await readKeyless(connection);
    const findings = tables
      .filter(
        ({ uniqueIndex, publication, replicaIdentity }) =>
          uniqueIndex === null || isRefused(publication, replicaIdentity),
      )
      .toSorted((a, b) => b.rows - a.rows)
      .map(describe);
    return judged({ findings, fine: 'Every table has a primary key, or columns that are as good' });
  },
};

function isRefused(publication: string | null, replicaIdentity: string): boolean {
  return publication !== null && (replicaIdentity === 'd' || replicaIdentity === 'n');
}

async function readKeyless(connection: DatabaseConnection): Promise<Keyless[]> {
  return connection.run<Keyless>(
    `
    WITH keyless AS MATERIALIZED (
      SELECT c.oid, c.relname, n.nspname, c.relkind, c.relreplident, c.reltuples, c.relpages
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p')
         AND NOT c.relispartition
         AND c.relpersistence <> 't'
         AND n.nspname NOT IN ('pg_catalog', 'information_schema')
         AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid)
         AND NOT EXISTS (SELECT FROM pg_depend d
                          WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    )
    SELECT c.oid                                              AS "oid",
           c.nspname                                          AS "schema",
           c.relname                                          AS "name",
           c.relkind = 'p'                                    AS "partitioned",
           greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0)::float8 AS "rows",
           c.relpages::int8 * current_setting('block_size')::int8 AS "bytes",
           (SELECT x.relname
              FROM pg_index i
              JOIN pg_class x ON x.oid = i.indexrelid
             WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indimmediate
               AND i.indpred IS NULL AND i.indexprs IS NULL
               AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY k (number, position)
                                 JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
                                WHERE k.position <= i.indnkeyatts AND NOT a.attnotnull)
             ORDER BY i.indnkeyatts, x.relname
             LIMIT 1)                                         AS "uniqueIndex",
           c.relreplident                                     AS "replicaIdentity",
           (SELECT p.pubname
              FROM pg_publication p
             WHERE (p.pubupdate OR p.pubdelete)
               AND (p.puballtables
                    OR EXISTS (SELECT FROM pg_publication_rel r WHERE r.prpubid = p.oid AND r.prrelid = c.oid)
                    OR EXISTS (SELECT FROM pg_publication_namespace s
                                WHERE s.pnpubid = p.oid AND s.pnnspid = c.nspname::regnamespace))
             ORDER BY p.pubname
             LIMIT 1)                                         AS "publication",
           ARRAY(SELECT s.attname::text
                   FROM pg_stats s
                  WHERE s.schemaname = c.nspname AND s.tablename = c.relname
                    AND s.n_distinct = -1 AND s.null_frac = 0
                  ORDER BY s.avg_width, s.attname)            AS "candidates"
      FROM keyless c
    `,
  );
}

/** From here on a table without a key is more than an oddity. */
const leastRows = 1000;

function describe(table: Keyless): Finding {
  const { rows, bytes, uniqueIndex, publication, replicaIdentity, candidates } = table;
  const name = spoken(table);
  const refused = isRefused(publication, replicaIdentity)
    ? ` It is in the publication ${publication} without a replica identity, so PostgreSQL refuses to update or delete its rows.`
    : '';
  return {
    check: noPrimaryKey.id,
    key: keyOf(noPrimaryKey.id, table),
    severity: rows >= leastRows || refused ? 'warning' : 'info',
    subject: { kind: 'table', schema: table.schema, name: table.name },
    title: uniqueIndex === null ? `${name} has no primary key` : `${name} is published without a replica identity`,
    explanation:
      (uniqueIndex === null
        ? 'Single rows of it cannot be named, the same row can be there twice, and logical replication can carry no updates of it.'
        : `It has no primary key. The unique index ${uniqueIndex} can be its replica identity.`) + refused,
    evidence: [
      { label: 'Rows', value: Math.round(rows), unit: 'rows' },
      { label: 'Size', value: bytes, unit: 'bytes' },
      ...(publication === null ? [] : [{ label: 'Publication', value: publication }]),
      ...(candidates.length === 0
        ? []
        : [{ label: 'Columns whose values all differ', value: candidates.slice(0, 5).join(', ') }]),
    ],
    gain: { text: refused ? 'Updates and deletes work' : 'Rows can be named, and no row is there twice' },
    remedy: uniqueIndex === null ? keyRemedy(table) : identityRemedy(table, uniqueIndex),
  };
}

function identityRemedy(table: Keyless, index: string): Remedy {
  return {
    kind: 'schema',
    fix: [`ALTER TABLE ${quoted(table)} REPLICA IDENTITY USING INDEX ${quoteIdentifier(index)}`],
    undo: [`ALTER TABLE ${quoted(table)} REPLICA IDENTITY ${table.replicaIdentity === 'n' ? 'NOTHING' : 'DEFAULT'}`],
    risk: 'low',
    riskDetail: 'Locks the table for a moment; nothing is rewritten.',
    appliable: !table.partitioned,
  };
}

function keyRemedy(table: Keyless): Remedy {
  const [column] = table.candidates;
  const byColumn = column !== undefined && !table.partitioned;
  const index = byColumn ? `${table.name}_pkey`.slice(0, 63) : '';
  return {
    kind: 'schema',
    fix: byColumn
      ? [
          `CREATE UNIQUE INDEX CONCURRENTLY ${quoteIdentifier(index)} ON ${quoted(table)} (${quoteIdentifier(column)})`,
          `ALTER TABLE ${quoted(table)} ADD PRIMARY KEY USING INDEX ${quoteIdentifier(index)}`,
        ]
      : [],
    undo: byColumn ? [`ALTER TABLE ${quoted(table)} DROP CONSTRAINT ${quoteIdentifier(index)}`] : [],
    risk: 'medium',
    riskDetail: byColumn
      ? `Whether ${column} is the key, who knows the data must say: its values all differ so far, in ${counted(Math.round(table.rows), 'row')}. Making it NOT NULL reads the table under a lock.`
      : `Columns that make a key have to be chosen, or a new one added, which rewrites ${count(table.rows)} rows under a lock.`,
    appliable: false,
  };
}
