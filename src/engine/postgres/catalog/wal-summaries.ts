import type { DatabaseConnection } from '../connection.ts';

/** What the server has noted of blocks that changed (PostgreSQL 17, `summarize_wal`). One row. */
export interface ChangedBlocksRow {
  /** From where on its notes tell all, without a gap; `null` without any that reach behind the position. */
  from: string | null;
  /** Up to where they tell. */
  to: string | null;
  /** Different blocks that changed; estimated when only a part was counted. */
  blocks: number;
}

/**
 * Counts the blocks that changed behind a position of the log. `oneIn`: of so many blocks one is counted, so that the server holds few in memory, whatever
 * has changed. Any role may.
 */
export async function readChangedBlocks(
  connection: DatabaseConnection,
  { timeline, behind, oneIn }: { timeline: number; behind: string; oneIn: number },
): Promise<ChangedBlocksRow | undefined> {
  const [row] = await connection.run<ChangedBlocksRow>(
    `
    WITH summary AS (
      SELECT tli, start_lsn, end_lsn,
             lag(end_lsn) OVER (ORDER BY start_lsn) AS before
        FROM pg_available_wal_summaries()
       WHERE tli = $1
         AND end_lsn > $2::pg_lsn
    ), gapless AS (
      -- From the last gap on.
      SELECT tli, start_lsn, end_lsn
        FROM summary
       WHERE start_lsn >= (SELECT max(start_lsn) FROM summary WHERE before IS DISTINCT FROM start_lsn)
    ), changed AS (
      SELECT DISTINCT reltablespace, reldatabase, relfilenode, relforknumber, relblocknumber
        FROM gapless, LATERAL pg_wal_summary_contents(tli, start_lsn, end_lsn)
       WHERE NOT is_limit_block
         AND (relblocknumber + relfilenode::bigint) % $3::bigint = 0
    )
    SELECT (SELECT min(start_lsn)::text FROM gapless)           AS "from",
           (SELECT max(end_lsn)::text FROM gapless)             AS "to",
           (SELECT count(*) * $3::bigint FROM changed)::float8  AS "blocks"
    `,
    [timeline, behind, oneIn],
  );
  return row;
}
