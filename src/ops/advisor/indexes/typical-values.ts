import type { DatabaseConnection } from '../../../engine/postgres/index.ts';
import { tokenize } from '../../../sql/index.ts';
import { type ColumnName, type PlaceholderUse, readColumnStatistics, sampleParameters } from '../workload/index.ts';
import type { AnalysedStatement, KnownUse } from './candidates/types.ts';

/**
 * Gives statements with placeholders of which no values are known typical ones, from the statistics of the columns that they are compared
 * with: a generic plan takes every value for equally frequent, and so misses what an index does for rare ones. What has a placeholder
 * that is compared with no column (a LIMIT) stays as it is, and is planned generically.
 */
export async function withTypicalValues(
  connection: DatabaseConnection,
  statements: readonly AnalysedStatement[],
): Promise<AnalysedStatement[]> {
  const uses = new Map<AnalysedStatement, PlaceholderUse[]>();
  for (const each of statements) {
    if (each.statement.samples.length > 0) continue;
    const found = each.uses.flatMap(placeholdersOf);
    if (found.length > 0) uses.set(each, found);
  }
  const columns = new Map<string, ColumnName>();
  for (const use of [...uses.values()].flat()) columns.set(keyOf(use), use);
  if (columns.size === 0) return [...statements];
  const statistics = await readColumnStatistics(connection, [...columns.values()]);
  const places = new Map([...columns.keys()].map((key, place) => [key, place]));
  return statements.map((each) => {
    const found = uses.get(each);
    if (!found) return each;
    const samples = sampleParameters(placeholderCount(each.statement.text), found, (column) =>
      statistics.get(places.get(keyOf(column)) ?? -1),
    );
    return samples.length > 0 ? { ...each, statement: { ...each.statement, samples } } : each;
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

function placeholderCount(text: string): number {
  return tokenize(text).reduce(
    (most, token) => (token.kind === 'placeholder' ? Math.max(most, Number(token.text.slice(1))) : most),
    0,
  );
}
