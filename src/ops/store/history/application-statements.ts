import type {
  ApplicationStatement,
  ApplicationStatementsAnswer,
  ApplicationStatementsQuery,
} from '../applications/types.ts';
import { wholeFingerprint } from '../applications/limits.ts';
import { storable } from '../storable.ts';
import { figuresOf, readApplicationFigures, type Row, sumsOf } from './applications.ts';
import { Parameters, planReading, segmentRows, stepForTotals } from './range.ts';
import type { Reader } from './reader.ts';

const orders: Readonly<Record<ApplicationStatementsQuery['orderBy'], string>> = {
  totalUs: 'total_us',
  calls: 'calls',
  errors: 'errors',
  rows: 'rows',
  maxUs: 'max_us',
  meanUs: 'CASE WHEN calls > 0 THEN total_us / calls ELSE 0 END',
};

type StatementRow = Row & {
  fingerprint: string | null;
  kind: string;
  text: string | null;
  applications: string[];
  statements: number[] | null;
  fitting: number;
};

/** The server's statements of a fingerprint, Pitcrew's own apart. */
const ofServer = (target: string, fingerprint: string): string => `
  (SELECT array_agg(id ORDER BY last_seen DESC)
   FROM   pitcrew.statement
   WHERE  statement.target_id = ${target} AND statement.fingerprint = ${fingerprint} AND NOT own)`;

/** What all applications told of a fingerprint, as one. */
const described = `
  min(statement.kind)                                AS kind,
  min(statement.text)                                AS text,
  array_agg(application.name ORDER BY application.name) AS applications`;

/** Statements that applications called in the range, by fingerprint. */
export async function readApplicationStatements(
  reader: Reader,
  query: ApplicationStatementsQuery,
): Promise<ApplicationStatementsAnswer> {
  const reading = planReading(await reader.progress(), ['application'], query, stepForTotals(query));
  const parameters = new Parameters();
  const target = parameters.add(query.targetId);
  const segments = segmentRows('application', reading.segments('application'), parameters, `target_id = ${target}`);
  const { search, application, unmatched = false } = query;
  const filters = [
    'true',
    ...(search ? [`strpos(lower(text), lower(${parameters.add(storable(search))})) > 0`] : []),
    ...(unmatched ? ['statements IS NULL'] : []),
  ];
  const ofApplication =
    application === undefined ? 'true' : `application.name = ${parameters.add(storable(application))}`;
  const order = `${orders[query.orderBy]} ${query.descending === false ? 'ASC' : 'DESC'}, fingerprint`;
  const rows = await reader.rows<StatementRow>(
    `
     WITH totals AS (
       SELECT   id, ${sumsOf('rows')}
       FROM     (${segments}) AS rows
       GROUP BY id
     ), merged AS (
       SELECT   statement.fingerprint, ${described}, ${sumsOf('totals')}
       FROM     totals
       JOIN     pitcrew.application_statement AS statement USING (id)
       JOIN     pitcrew.application ON application.id = application_id
       WHERE    statement.fingerprint <> '${wholeFingerprint}' AND ${ofApplication}
       GROUP BY 1
     ), fitting AS MATERIALIZED (
       SELECT *
       FROM   (SELECT merged.*, ${ofServer(target, 'merged.fingerprint')} AS statements FROM merged) AS matched
       WHERE  ${filters.join(' AND ')}
     ), page AS (
       SELECT   *
       FROM     fitting
       ORDER BY ${order}
       LIMIT    ${parameters.add(query.limit)}
       OFFSET   ${parameters.add(query.offset ?? 0)}
     )
     SELECT   *
     FROM     (SELECT count(*)::integer AS fitting FROM fitting) AS whole
     LEFT     JOIN page ON true
     ORDER BY ${order}`,
    parameters.values,
  );
  const found = rows.flatMap((row) => (row.fingerprint === null ? [] : [{ ...row, fingerprint: row.fingerprint }]));
  // Histograms only of those that are shown.
  const figures = await readApplicationFigures(reader, {
    ...query,
    fingerprints: found.map(({ fingerprint }) => fingerprint),
  });
  return {
    from: new Date(reading.from),
    to: new Date(reading.to),
    count: rows[0]?.fitting ?? 0,
    statements: found.map((row) => ({
      fingerprint: row.fingerprint,
      text: row.text,
      kind: row.kind,
      applications: row.applications,
      statements: row.statements ?? [],
      ...figuresOf(row, figures.get(row.fingerprint)?.latency),
    })),
  };
}

/** One statement, whenever it was called. */
export async function readApplicationStatement(
  reader: Reader,
  { targetId, fingerprint }: { targetId: number; fingerprint: string },
): Promise<Omit<ApplicationStatement, keyof ReturnType<typeof figuresOf>> | undefined> {
  const [row] = await reader.rows<StatementRow>(
    `
     SELECT   ${described}, ${ofServer('$1', '$2')} AS statements
     FROM     pitcrew.application_statement AS statement
     JOIN     pitcrew.application ON application.id = application_id
     WHERE    statement.target_id = $1 AND statement.fingerprint = $2
     HAVING   count(*) > 0`,
    [targetId, fingerprint],
  );
  return (
    row && {
      fingerprint,
      kind: row.kind,
      text: row.text,
      applications: row.applications,
      statements: row.statements ?? [],
    }
  );
}
