import type pg from 'pg';
import { messageOf } from '../../../../errors.ts';
import { quoteIdentifier } from '../../../../engine/postgres/index.ts';
import { type Gaps, several } from '../gaps.ts';
import type { SourceCatalog } from '../source/catalog.ts';
import {
  readExpressionData,
  readExtendedData,
  type SourceExpressionData,
  type SourceExtendedData,
  type SourceStatisticsObject,
} from '../source/extended.ts';
import type { Source } from '../source/source.ts';
import { type ColumnNumbers, dependenciesBytes, distinctBytes } from './extended-bytes.ts';
import { commonCombinations, expressionStatistics, type StatisticsTarget } from './extended-values.ts';
import { makeAll } from './definitions.ts';
import type { TwinServer } from './server.ts';
import { plainName, qualified } from './tables.ts';

/**
 * Carries extended statistics over. PostgreSQL 18 has no function for it, so they are written into the catalog as ANALYZE
 * would have.
 */
export async function carryExtended(
  twin: TwinServer,
  source: Source,
  catalog: SourceCatalog,
  gaps: Gaps,
): Promise<void> {
  const objects = catalog.statisticsObjects;
  if (objects.length === 0) return;
  const failures = await makeAll(
    twin.owner,
    objects.map((object) => ({ subject: `statistics ${plainName(object)}`, sql: object.definition })),
  );
  for (const { definition, reason } of failures) gaps.add(definition.subject, reason);
  const data = Map.groupBy(await readExtendedData(source), plainName);
  const expressions = Map.groupBy(await readExpressionData(source), plainName);
  await twin.admin.query(`
    CREATE CAST (bytea AS pg_ndistinct) WITHOUT FUNCTION;
    CREATE CAST (bytea AS pg_dependencies) WITHOUT FUNCTION;
    CREATE CAST (bytea AS pg_mcv_list) WITHOUT FUNCTION;
  `);
  const unseen: string[] = [];
  for (const object of objects) {
    const name = plainName(object);
    if (failures.some(({ definition }) => definition.subject === `statistics ${name}`)) continue;
    const rows = data.get(name) ?? [];
    const ofExpressions = expressions.get(name) ?? [];
    if (rows.length === 0 && ofExpressions.length === 0) unseen.push(name);
    const numbers = columnNumbers(catalog, object.table);
    try {
      await carryObject(twin, object, rows, ofExpressions, numbers);
    } catch (error) {
      gaps.add(`extended statistics ${name}`, messageOf(error));
    }
  }
  if (unseen.length > 0) {
    gaps.add(
      several('extended statistics object', unseen),
      'they hold nothing yet, or this role may not see it',
      'ANALYZE their tables; let this role read them (GRANT pg_read_all_data)',
    );
  }
}

/** On the twin, columns are numbered without those that were dropped. */
function columnNumbers({ columns }: SourceCatalog, table: number): ColumnNumbers {
  const numbers = new Map((columns.get(table) ?? []).map(({ number }, index) => [number, index + 1]));
  return (number) => numbers.get(number) ?? number;
}

async function carryObject(
  { admin, owner }: TwinServer,
  object: SourceStatisticsObject,
  rows: readonly SourceExtendedData[],
  expressions: readonly SourceExpressionData[],
  numbers: ColumnNumbers,
): Promise<void> {
  const target = await findTarget(owner, object);
  if (!target) return;
  for (const inherited of [false, true]) {
    const row = rows.find((each) => each.inherited === inherited);
    const own = expressions.filter((each) => each.inherited === inherited);
    if (!row && own.length === 0) continue;
    const list = row?.values ? await commonCombinations(owner, target, row) : null;
    const scratch = own.length > 0 ? await expressionStatistics(owner, target, own) : null;
    await admin.query(
      `
      INSERT INTO pg_statistic_ext_data (stxoid, stxdinherit, stxdndistinct, stxddependencies, stxdmcv, stxdexpr)
      SELECT $1::oid,
             $2::bool,
             $3::bytea::pg_ndistinct,
             $4::bytea::pg_dependencies,
             $5::bytea::pg_mcv_list,
             (SELECT array_agg(s ORDER BY s.staattnum) FROM pg_statistic s WHERE s.starelid = $6)
      `,
      [
        target.oid,
        inherited,
        row?.distinct ? distinctBytes(row.distinct, numbers) : null,
        row?.dependencies ? dependenciesBytes(row.dependencies, numbers) : null,
        list,
        scratch,
      ],
    );
    await owner.query('DROP TABLE IF EXISTS pg_temp.pitcrew_expressions');
  }
}

async function findTarget(
  owner: pg.Client,
  { schema, name }: SourceStatisticsObject,
): Promise<StatisticsTarget | undefined> {
  const { rows } = await owner.query<{
    oid: number;
    tableSchema: string;
    tableName: string;
    columns: string[];
    expressions: string[] | null;
  }>(
    `
    SELECT s.oid        AS "oid",
           tn.nspname   AS "tableSchema",
           t.relname    AS "tableName",
           ARRAY(SELECT a.attname::text
                   FROM unnest(s.stxkeys::int2[]) WITH ORDINALITY AS k (number, position)
                   JOIN pg_attribute a ON a.attrelid = s.stxrelid AND a.attnum = k.number
                  ORDER BY k.position) AS "columns",
           pg_get_statisticsobjdef_expressions(s.oid) AS "expressions"
      FROM pg_statistic_ext s
      JOIN pg_namespace n  ON n.oid = s.stxnamespace
      JOIN pg_class t      ON t.oid = s.stxrelid
      JOIN pg_namespace tn ON tn.oid = t.relnamespace
     WHERE n.nspname = $1
       AND s.stxname = $2
    `,
    [schema, name],
  );
  const [found] = rows;
  if (!found) return undefined;
  return {
    oid: found.oid,
    table: qualified({ schema: found.tableSchema, name: found.tableName }),
    columns: found.columns.map((column) => quoteIdentifier(column)),
    expressions: (found.expressions ?? []).map((expression) => `(${expression})`),
  };
}
