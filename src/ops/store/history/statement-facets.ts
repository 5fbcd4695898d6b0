import type { StatementFacets, TimeRange } from '../types.ts';
import type { Reader } from './reader.ts';

/** Statements are marked as seen once a minute at most: one seen lately may be marked a little before the range. */
const slackMs = 90_000;

/** Users and databases of the statements seen in a range, each in order. */
export async function readStatementFacets(
  reader: Reader,
  { targetId, from, to }: TimeRange & { targetId: number },
): Promise<StatementFacets> {
  const rows = await reader.rows<{ database: string; username: string }>(
    `
     SELECT   database, username
     FROM     pitcrew.statement
     WHERE    target_id = $1
     AND      last_seen >= $2
     AND      first_seen <= $3
     AND      NOT own
     GROUP BY 1, 2`,
    [targetId, new Date(from.getTime() - slackMs), to],
  );
  const distinct = (names: string[]): string[] => [...new Set(names)].toSorted();
  return {
    users: distinct(rows.map(({ username }) => username)),
    databases: distinct(rows.map(({ database }) => database)),
  };
}
