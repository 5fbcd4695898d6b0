import type { Caller, RepeatedCall } from '../applications/types.ts';
import { families } from '../families.ts';
import { floorTo } from '../levels.ts';
import type { TimeRange } from '../types.ts';
import { Parameters, planReading, segmentRows, stepForTotals } from './range.ts';
import type { Reader } from './reader.ts';

const sums = `
  coalesce(sum(rows.calls), 0)    AS calls,
  coalesce(sum(rows.requests), 0) AS requests,
  coalesce(max(rows.most), 0)     AS most`;

/** Rows of callers in a range. They are kept in pieces of five minutes, so a range begins with a whole one. */
async function callerRows(
  reader: Reader,
  { from, to }: TimeRange,
  parameters: Parameters,
  condition: string,
): Promise<string> {
  const start = new Date(floorTo(from.getTime(), (families.caller.rawSeconds ?? 1) * 1000));
  const range = { from: start, to };
  const reading = planReading(await reader.progress(), ['caller'], range, stepForTotals(range));
  return segmentRows('caller', reading.segments('caller'), parameters, condition);
}

/** From where one statement was called. */
export async function readCallers(
  reader: Reader,
  query: TimeRange & { targetId: number; fingerprint: string },
): Promise<Caller[]> {
  const parameters = new Parameters();
  const target = parameters.add(query.targetId);
  const condition = `target_id = ${target} AND caller_id IN (
    SELECT caller.id
    FROM   pitcrew.caller
    JOIN   pitcrew.application_statement AS statement ON statement.id = application_statement_id
    WHERE  target_id = ${target} AND fingerprint = ${parameters.add(query.fingerprint)})`;
  const segments = await callerRows(reader, query, parameters, condition);
  return reader.rows<Caller>(
    `
     SELECT   application.name AS application, caller.kind, scope, site, ${sums}
     FROM     (${segments}) AS rows
     JOIN     pitcrew.caller ON caller.id = rows.id
     JOIN     pitcrew.application_statement AS statement ON statement.id = application_statement_id
     JOIN     pitcrew.application ON application.id = application_id
     GROUP BY 1, 2, 3, 4
     ORDER BY calls DESC, requests DESC, 1, 3, 4`,
    parameters.values,
  );
}

/** Statements that were repeated within a request; those with the most calls in one first. */
export async function readRepeatedCalls(
  reader: Reader,
  query: TimeRange & { targetId: number; limit: number },
): Promise<RepeatedCall[]> {
  const parameters = new Parameters();
  const target = parameters.add(query.targetId);
  const condition = `target_id = ${target} AND caller_id IN (
    SELECT caller.id
    FROM   pitcrew.caller
    JOIN   pitcrew.application_statement AS statement ON statement.id = application_statement_id
    WHERE  target_id = ${target} AND caller.kind = 'repeated')`;
  const segments = await callerRows(reader, query, parameters, condition);
  return reader.rows<RepeatedCall>(
    `
     SELECT   application, scope, site, fingerprint, text, requests, most,
              coalesce((
                SELECT array_agg(id ORDER BY last_seen DESC)
                FROM   pitcrew.statement
                WHERE  statement.target_id = ${target} AND statement.fingerprint = repeated.fingerprint AND NOT own
              ), '{}') AS statements
     FROM     (
       SELECT   application.name AS application, scope, site, fingerprint, statement.text, ${sums}
       FROM     (${segments}) AS rows
       JOIN     pitcrew.caller ON caller.id = rows.id
       JOIN     pitcrew.application_statement AS statement ON statement.id = application_statement_id
       JOIN     pitcrew.application ON application.id = application_id
       GROUP BY 1, 2, 3, 4, 5
     ) AS repeated
     ORDER BY most DESC, requests DESC, application, scope, site
     LIMIT    ${parameters.add(query.limit)}`,
    parameters.values,
  );
}
