import type { DatabaseConnection } from '../../../engine/postgres/index.ts';
import { placeholderCount } from '../../../sql/index.ts';
import {
  type ColumnName,
  isWhole,
  type ParameterSample,
  type PlaceholderUse,
  readColumnStatistics,
  sampleParameters,
} from '../workload/index.ts';
import type { AnalysedStatement, KnownUse } from './candidates/types.ts';

/**
 * Gives statements with placeholders of which no values are known typical ones, from the statistics of the columns that they are compared
 * with: a generic plan takes every value for equally frequent, and so misses what an index does for rare ones. What has a placeholder
 * that is compared with no column (a LIMIT) stays as it is, and is planned generically. Values that an application has left out of a
 * call are filled in the same way; a call that cannot be filled counts for nothing.
 */
export async function withTypicalValues(
  connection: DatabaseConnection,
  statements: readonly AnalysedStatement[],
): Promise<AnalysedStatement[]> {
  const uses = new Map<AnalysedStatement, PlaceholderUse[]>();
  for (const each of statements) {
    const { samples } = each.statement;
    if (samples.length === 0 || !samples.every(isWhole)) uses.set(each, each.uses.flatMap(placeholdersOf));
  }
  if (uses.size === 0) return [...statements];
  const columns = new Map<string, ColumnName>();
  for (const use of [...uses.values()].flat()) columns.set(keyOf(use), use);
  const statistics = await readColumnStatistics(connection, [...columns.values()]);
  const places = new Map([...columns.keys()].map((key, place) => [key, place]));
  return statements.map((each) => {
    const found = uses.get(each);
    if (!found) return each;
    const count = placeholderCount(each.statement.text);
    const filled = (known?: ParameterSample): ParameterSample[] =>
      sampleParameters(count, found, (column) => statistics.get(places.get(keyOf(column)) ?? -1), known);
    const told = each.statement.samples.flatMap((known) => (isWhole(known) ? [known] : filled(known).slice(0, 1)));
    const samples = told.length > 0 ? told : filled();
    return { ...each, statement: { ...each.statement, samples, samplesAreData: true } };
  });
}

function placeholdersOf({ use, table }: KnownUse): PlaceholderUse[] {
  return [...use.conditions, ...use.alternatives.flat()].flatMap(({ kind, operand, operator, parameter }) =>
    parameter === undefined || operand.column === undefined
      ? []
      : [
          {
            parameter,
            schema: table.schema,
            table: table.name,
            column: operand.column,
            operator,
            ...(kind === 'in' ? { list: true } : {}),
          },
        ],
  );
}

function keyOf({ schema, table, column }: ColumnName): string {
  return JSON.stringify([schema, table, column]);
}
