import type { TableName } from '../description.ts';
import { parse } from '../describe/parser.ts';
import { isObject, textOf, type Tree } from '../describe/tree.ts';

/** What brings something else than a table into the range of a statement, or a second range beside the first. */
const bringsMore = new Set([
  'JoinExpr',
  'RangeSubselect',
  'RangeFunction',
  'RangeTableFunc',
  'RangeTableSample',
  'JsonTable',
  'CommonTableExpr',
  'SubLink',
  'onConflictClause',
  // The sides of UNION, INTERSECT and EXCEPT.
  'larg',
]);

/**
 * The table or view of a statement that names one, once, and has nothing beside it to read from: no join, sub-query, WITH, UNION or
 * function in FROM. `undefined` for every other statement, for what cannot be parsed, and before `loadParser()` is done.
 */
export function singleTableOf(text: string): TableName | undefined {
  const statements = parse(text);
  const [statement] = statements ?? [];
  if (!statement || statements?.length !== 1) return undefined;
  const named: TableName[] = [];
  let alone = true;

  const visit = (tree: Tree | undefined): void => {
    if (Array.isArray(tree)) for (const item of tree as readonly Tree[]) visit(item);
    if (!isObject(tree)) return;
    const name = textOf(tree['relname']);
    if (name !== undefined) {
      named.push({ schema: textOf(tree['schemaname']), name });
      return;
    }
    for (const field in tree) {
      if (bringsMore.has(field)) alone = false;
      // FOR UPDATE OF repeats the name.
      else if (field !== 'lockedRels') visit(tree[field]);
    }
  };
  try {
    visit(statement.fields);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  return alone && named.length === 1 ? named[0] : undefined;
}
