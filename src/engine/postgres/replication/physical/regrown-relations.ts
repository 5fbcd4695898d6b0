import { connectDatabase } from '../../connect.ts';
import { lsnText } from '../lsn.ts';

export interface LogRange {
  from: bigint;
  to: bigint;
}

/** The server may take its time: a day of a busy server is in hundreds of files. */
const timeoutMs = 120_000;

/**
 * Counts the files of relations that VACUUM made shorter within a range of the log and that grew again later, by different summaries of the log.
 *
 * PostgreSQL (17 and 18, up to 17.10 and 18.4 at least) reads the summaries in the order in which the file system lists them, and forgets all blocks behind the
 * place of a cut that it comes to know of later than of the growth: an incremental backup over that range may be without them, and nothing says so. Files of
 * free space maps (fork 1) are always whole, and those that were cut to nothing are, too.
 * @throws {PitcrewError} of the connection: it is an ordinary one, to the database that the URL names
 */
export async function countRegrown(url: string, { from, to }: LogRange): Promise<number> {
  const connection = await connectDatabase({
    url,
    applicationName: 'pitcrew backup',
    statementTimeoutMs: timeoutMs,
    connectTimeoutMs: 10_000,
  });
  try {
    const [row] = await connection.run<{ count: number }>(regrown, [lsnText(from), lsnText(to)]);
    return row?.count ?? 0;
  } finally {
    await connection.close();
  }
}

const regrown = `
  WITH summary AS MATERIALIZED (
    SELECT tli, start_lsn, end_lsn
    FROM   pg_available_wal_summaries()
    WHERE  end_lsn > $1::pg_lsn AND start_lsn < $2::pg_lsn
  ), cut AS MATERIALIZED (
    SELECT end_lsn, reldatabase, reltablespace, relfilenode, relforknumber, relblocknumber
    FROM   summary, pg_wal_summary_contents(tli, start_lsn, end_lsn)
    WHERE  is_limit_block AND relblocknumber > 0 AND relforknumber <> 1
  ), grown AS (
    SELECT start_lsn, reldatabase, reltablespace, relfilenode, relforknumber, max(relblocknumber) AS last
    FROM   summary, pg_wal_summary_contents(tli, start_lsn, end_lsn)
    WHERE  EXISTS (SELECT FROM cut) AND NOT is_limit_block AND relforknumber <> 1
    GROUP  BY 1, 2, 3, 4, 5
  )
  SELECT count(DISTINCT (reldatabase, reltablespace, relfilenode, relforknumber))::int4 AS "count"
  FROM   cut JOIN grown USING (reldatabase, reltablespace, relfilenode, relforknumber)
  WHERE  grown.start_lsn >= cut.end_lsn AND grown.last >= cut.relblocknumber`;
