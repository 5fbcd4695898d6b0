import type pg from 'pg';
import { PitcrewError } from '../../../../errors.ts';
import type { HypotheticalIndex } from '../../types.ts';

/** A table with storage that an index is to be on: the table itself, or each leaf of a partitioned one. */
export interface IndexedTable {
  oid: number;
  schema: string;
  name: string;
  /**
   * Rows as the planner estimates them, from pages and rows at the last ANALYZE and the pages of now; `null` where there was
   * none and it goes by the width of a row.
   */
  rows: number | null;
  pages: number;
}

/** Tables with storage behind the index's table. Throws `E_NOT_FOUND`, `E_UNSUPPORTED`. */
export async function indexedTables(owner: pg.Client, index: HypotheticalIndex): Promise<IndexedTable[]> {
  const { rows } = await owner.query<IndexedTable & { kind: string }>(
    `
    SELECT c.oid                                        AS "oid",
           n.nspname                                    AS "schema",
           c.relname                                    AS "name",
           c.relkind                                    AS "kind",
           CASE WHEN c.relkind = 'r'
                THEN pg_relation_size(c.oid) / 8192 END::float8 AS "pages",
           CASE WHEN c.relpages > 0 AND c.reltuples > 0
                THEN c.reltuples / c.relpages * (pg_relation_size(c.oid) / 8192)
                WHEN pg_relation_size(c.oid) = 0 THEN 0 END::float8 AS "rows"
      FROM pg_class t
      JOIN pg_namespace tn ON tn.oid = t.relnamespace
     CROSS JOIN LATERAL (SELECT t.oid WHERE t.relkind <> 'p'
                         UNION ALL
                         SELECT p.relid FROM pg_partition_tree(t.oid) p WHERE t.relkind = 'p' AND p.isleaf) l (oid)
      JOIN pg_class c     ON c.oid = l.oid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE tn.nspname = $1
       AND t.relname = $2
    `,
    [index.schema, index.table],
  );
  const name = `${index.schema}.${index.table}`;
  if (rows.some(({ kind }) => kind !== 'r' && kind !== 'p')) {
    throw new PitcrewError('E_UNSUPPORTED', `${name} cannot have an index`, { detail: 'It is not a table.' });
  }
  const tables = rows.filter(({ kind }) => kind === 'r');
  if (rows.length === 0) {
    throw new PitcrewError('E_NOT_FOUND', `the twin has no table ${name}`, {
      detail: 'It does not exist on the watched database, or could not be carried over.',
    });
  }
  return tables;
}
