import type pg from 'pg';

/** How often rows of each table were changed in this session, and in which file its rows are: TRUNCATE and REFRESH give another. */
const standingSql = `
  SELECT c.oid::int                                       AS "oid",
         concat_ws(' ', s.n_tup_ins, s.n_tup_upd, s.n_tup_del, pg_relation_filenode(c.oid)) AS "standing"
    FROM pg_class c
    LEFT JOIN pg_stat_xact_user_tables s ON s.relid = c.oid
   WHERE c.relkind IN ('r', 'm') AND c.oid >= 16384`;

async function standing(client: pg.Client): Promise<Map<number, string>> {
  const { rows } = await client.query<{ oid: number; standing: string }>(standingSql);
  return new Map(rows.map((row) => [row.oid, row.standing]));
}

/**
 * The OIDs of the tables whose rows a statement changes, ascending, by trying it in a transaction that is rolled back. What is
 * deferred to its end counts. `undefined` when the server refuses it.
 */
export async function changedBy(client: pg.Client, text: string): Promise<number[] | undefined> {
  await client.query('BEGIN');
  try {
    const before = await standing(client);
    await client.query(text);
    await client.query('SET CONSTRAINTS ALL IMMEDIATE');
    const after = await standing(client);
    const changed = [...after].filter(([oid, now]) => before.get(oid) !== now).map(([oid]) => oid);
    return changed.toSorted((a, b) => a - b);
  } catch (error) {
    if (error instanceof Error && 'severity' in error) return undefined;
    throw error;
  } finally {
    await client.query('ROLLBACK');
  }
}
