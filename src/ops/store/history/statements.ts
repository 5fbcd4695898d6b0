import { columnName, statementFields, zeroStatement } from '../families.ts';
import { storable } from '../storable.ts';
import type {
  StatementCounters,
  StatementsAnswer,
  StatementSeriesAnswer,
  StatementsQuery,
  StatementTotals,
  TimeRange,
} from '../types.ts';
import { readCovered, sumOf } from './covered.ts';
import { bucketNumber, bucketStarts, Parameters, planReading, segmentRows, stepForTotals } from './range.ts';
import type { Reader } from './reader.ts';

const columns = statementFields.map(columnName);
const sums = columns.map((column) => `coalesce(sum(${column}), 0) AS ${column}`).join(', ');

/** What statements are ordered by: `meanUs` is the one that is no counter. */
const orders: Readonly<Record<StatementsQuery['orderBy'], string>> = {
  totalExecUs: 'total_exec_us',
  calls: 'calls',
  meanUs: 'CASE WHEN calls > 0 THEN total_exec_us / calls ELSE 0 END',
  rows: 'rows',
  sharedRead: 'shared_read',
  tempWritten: 'temp_written',
  walBytes: 'wal_bytes',
  blockReadUs: 'block_read_us',
};

interface StatementRow extends Record<string, unknown> {
  id: number | null;
  database: string;
  username: string;
  query_id: string;
  toplevel: boolean;
  text: string | null;
  fingerprint: string | null;
  own: boolean;
  first_seen: Date;
  last_seen: Date;
}

/** Statements that did something in the range, ordered, with their count and sum. */
export async function readStatements(reader: Reader, query: StatementsQuery): Promise<StatementsAnswer> {
  const reading = planReading(await reader.progress(), ['statement', 'metric'], query, stepForTotals(query));
  const parameters = new Parameters();
  const target = parameters.add(query.targetId);
  const segments = segmentRows('statement', reading.segments('statement'), parameters, `target_id = ${target}`);
  const filters = filtersOf(query, parameters);
  const order = `${orders[query.orderBy]} ${query.descending === false ? 'ASC' : 'DESC'}, id`;
  const rows = await reader.rows<StatementRow>(
    `
     WITH totals AS (
       SELECT   id, ${sums}
       FROM     (${segments}) AS rows
       GROUP BY id
     ), fitting AS MATERIALIZED (
       SELECT totals.*, database, username, query_id, toplevel, text, fingerprint, own, first_seen, last_seen
       FROM   totals,
              -- Always by the key, whatever the planner thinks of tables that were never analyzed.
              LATERAL (SELECT * FROM pitcrew.statement WHERE statement.id = totals.id LIMIT 1) AS statement
       WHERE  ${filters.join(' AND ')}
     ), page AS (
       SELECT   *
       FROM     fitting
       ORDER BY ${order}
       LIMIT    ${parameters.add(query.limit)}
       OFFSET   ${parameters.add(query.offset ?? 0)}
     ), whole AS (
       SELECT count(*)::integer AS fitting_count,
              ${columns.map((column) => `coalesce(sum(${column}), 0) AS all_${column}`).join(', ')}
       FROM   fitting
     )
     SELECT   *
     FROM     whole
     LEFT     JOIN page ON true
     ORDER BY ${order}`,
    parameters.values,
  );
  const covered = await readCovered(reader, query.targetId, 'statements', reading);
  const first = rows[0];
  return {
    from: new Date(reading.from),
    to: new Date(reading.to),
    statements: rows.flatMap((row) => (row.id === null ? [] : [statementOf(row, row.id)])),
    count: numberIn(first, 'fitting_count'),
    totals: countersOf(first, 'all_'),
    coveredSeconds: sumOf(covered),
  };
}

function filtersOf(query: StatementsQuery, parameters: Parameters): string[] {
  const { database, user, search, own = 'exclude', minMeanUs } = query;
  return [
    'true',
    ...(own === 'exclude' ? ['NOT own'] : []),
    ...(own === 'only' ? ['own'] : []),
    ...(database === undefined ? [] : [`database = ${parameters.add(storable(database))}`]),
    ...(user === undefined ? [] : [`username = ${parameters.add(storable(user))}`]),
    // Not LIKE: "%" and "_" are common in SQL and mean themselves here.
    ...(search ? [`strpos(lower(text), lower(${parameters.add(storable(search))})) > 0`] : []),
    ...(minMeanUs === undefined
      ? []
      : [`calls > 0 AND total_exec_us >= ${parameters.add(minMeanUs)}::double precision * calls`]),
  ];
}

function statementOf(row: StatementRow, id: number): StatementTotals {
  return { ...describe(row, id), counters: countersOf(row) };
}

function describe(row: StatementRow, id: number): Omit<StatementTotals, 'counters'> {
  const { database, username: user, query_id: queryId, toplevel, text, fingerprint, own } = row;
  return {
    id,
    key: { database, user, queryId, toplevel },
    text,
    fingerprint,
    own,
    firstSeen: row.first_seen,
    lastSeen: row.last_seen,
  };
}

function numberIn(row: Record<string, unknown> | undefined, column: string): number {
  const value = row?.[column];
  return typeof value === 'number' ? value : 0;
}

function countersOf(row: Record<string, unknown> | undefined, prefix = ''): StatementCounters {
  const counters = { ...zeroStatement };
  for (const field of statementFields) counters[field] = numberIn(row, prefix + columnName(field));
  return counters;
}

export async function readStatement(
  reader: Reader,
  targetId: number,
  id: number,
): Promise<Omit<StatementTotals, 'counters'> | undefined> {
  const [row] = await reader.rows<StatementRow>(
    `
     SELECT id, database, username, query_id, toplevel, text, fingerprint, own, first_seen, last_seen
     FROM   pitcrew.statement
     WHERE  target_id = $1 AND id = $2::bigint`,
    [targetId, id],
  );
  return row && describe(row, id);
}

/** The course of several statements over a range, bucket by bucket. */
export async function readStatementSeries(
  reader: Reader,
  query: TimeRange & { targetId: number; ids: readonly number[]; step: number },
): Promise<Map<number, StatementSeriesAnswer>> {
  const reading = planReading(await reader.progress(), ['statement', 'metric'], query, query.step);
  const covered = await readCovered(reader, query.targetId, 'statements', reading);
  const parameters = new Parameters();
  const condition = `target_id = ${parameters.add(query.targetId)} AND statement_id = ANY (${parameters.add(query.ids)}::bigint[])`;
  const segments = segmentRows('statement', reading.segments('statement'), parameters, condition);
  const rows = await reader.rows<Record<string, unknown>>(
    `
     SELECT   id, ${bucketNumber(reading, parameters)} AS bucket, ${sums}
     FROM     (${segments}) AS rows
     GROUP BY 1, 2`,
    parameters.values,
  );
  const known = new Map(rows.map((row) => [`${numberIn(row, 'id')}/${numberIn(row, 'bucket')}`, row]));
  const starts = bucketStarts(reading);
  const pointsOf = (id: number): StatementSeriesAnswer['points'] =>
    starts.map((at, bucket) => {
      const row = known.get(`${id}/${bucket}`);
      return { at, coveredSeconds: covered.get(bucket) ?? 0, counters: row ? countersOf(row) : zeroStatement };
    });
  const { step } = reading;
  const range = { from: new Date(reading.from), to: new Date(reading.to) };
  return new Map(query.ids.map((id) => [id, { ...range, step, points: pointsOf(id) }]));
}
