import { fieldsOf, listOf, namesOf, nodeOf, type Tree } from '../describe/tree.ts';
import { readableIdentifier } from '../identifier.ts';
import { deparse } from './deparse.ts';
import { columnsOf, type Level, type OpenUse, type Source } from './level.ts';
import type { Operand } from './predicates.ts';

/** An operand and the table that it is of. */
export interface Bound {
  use: OpenUse;
  operand: Operand;
}

/** Where a column comes from: a table, or an expression of a query within. */
type Origin =
  | { readonly kind: 'column'; readonly use: OpenUse; readonly column: string }
  | { readonly kind: 'expression'; readonly tree: Tree; readonly level: Level };

/** Deeper nesting of derived tables is not followed. */
const mostDepth = 30;

/** The places that a column reference may mean: several behind a UNION, none when it is of no table that is known. */
function originsOf(names: readonly string[], level: Level, depth = 0): Origin[] {
  if (depth > mostDepth) return [];
  const column = names.at(-1);
  if (column === undefined || column === '*') return [];
  const found = sourceOf(names, level);
  if (!found) return level.outer ? originsOf(names, level.outer, depth + 1) : [];
  return columnOf(found, column, depth);
}

function sourceOf(names: readonly string[], level: Level): Source | undefined {
  const column = names.at(-1) ?? '';
  if (names.length >= 2) {
    const name = names.at(-2);
    return level.sources.find((source) => source.name === name);
  }
  return level.sources.find((source) => columnsOf(source)?.includes(column));
}

function columnOf(source: Source, column: string, depth: number): Origin[] {
  if (source.kind === 'opaque') return [];
  const at = columnsOf(source)?.indexOf(column) ?? -1;
  if (source.kind === 'table') {
    const own = source.use.relation.columns[at];
    return own === undefined ? [] : [{ kind: 'column', use: source.use, column: own }];
  }
  return source.levels.flatMap((level) => {
    const output = level.outputs[at];
    if (!output) return [];
    const reference = fieldsOf(output.tree, 'ColumnRef');
    if (reference) return originsOf(namesOf(reference['fields']), level, depth + 1);
    return [{ kind: 'expression', tree: output.tree, level } as const];
  });
}

/** An expression as operands: one, or for a column behind a UNION one for each of its sides. */
export function boundsOf(tree: Tree | undefined, level: Level): Bound[] {
  const reference = fieldsOf(tree, 'ColumnRef');
  if (!reference) return [expressionOf(tree, level) ?? []].flat();
  return originsOf(namesOf(reference['fields']), level).flatMap((origin) => boundOf(origin) ?? []);
}

function boundOf(origin: Origin): Bound | undefined {
  if (origin.kind === 'expression') return expressionOf(origin.tree, origin.level);
  const { use, column } = origin;
  return { use, operand: Object.freeze({ sql: readableIdentifier(column), column, columns: Object.freeze([column]) }) };
}

/** An expression over columns of exactly one table. */
function expressionOf(tree: Tree | undefined, level: Level): Bound | undefined {
  let use: OpenUse | undefined;
  let mixed = false;
  const columns = new Set<string>();
  const sql = deparse(tree, (names) => {
    const [origin] = originsOf(names, level);
    const bound = origin && boundOf(origin);
    if (!bound) return undefined;
    if (use !== undefined && use !== bound.use) mixed = true;
    use = bound.use;
    for (const column of bound.operand.columns) columns.add(column);
    return bound.operand.sql;
  });
  if (sql === undefined || use === undefined || mixed) return undefined;
  return { use, operand: Object.freeze({ sql, column: undefined, columns: Object.freeze([...columns]) }) };
}

/** Every table of which a column stands in a tree, those of sub-queries apart. */
export function tablesIn(tree: Tree | undefined, level: Level): Set<OpenUse> {
  const found = new Set<OpenUse>();
  eachColumn(tree, (names) => {
    for (const origin of originsOf(names, level)) for (const use of usesOfOrigin(origin)) found.add(use);
  });
  return found;
}

function usesOfOrigin(origin: Origin): Iterable<OpenUse> {
  return origin.kind === 'column' ? [origin.use] : tablesIn(origin.tree, origin.level);
}

/** Calls `found` with the names of every column reference outside of sub-queries. */
function eachColumn(tree: Tree | undefined, found: (names: readonly string[]) => void): void {
  if (Array.isArray(tree)) {
    for (const item of tree as readonly Tree[]) eachColumn(item, found);
    return;
  }
  const node = nodeOf(tree);
  if (node?.tag === 'ColumnRef') found(namesOf(node.fields['fields']));
  else if (node?.tag === 'SubLink') eachColumn(node.fields['testexpr'], found);
  else if (node && node.tag !== 'SelectStmt') for (const field of Object.values(node.fields)) eachColumn(field, found);
  else if (!node && typeof tree === 'object' && tree !== null) {
    for (const field of Object.values(tree)) eachColumn(field as Tree, found);
  }
}

/** Marks the columns of a tree as read. */
export function readColumns(tree: Tree | undefined, level: Level): void {
  eachColumn(tree, (names) => {
    if (names.at(-1) === '*') return readAll(names.slice(0, -1), level);
    const origins = originsOf(names, level);
    // The name of a table by itself is its whole row.
    if (origins.length === 0 && names.length === 1) readAll(names, level);
    for (const origin of origins) {
      if (origin.kind === 'column') origin.use.columns.add(origin.column);
      else readColumns(origin.tree, origin.level);
    }
  });
}

function readAll(names: readonly string[], level: Level): void {
  const name = names.at(-1);
  const sources = level.sources.filter((source) => name === undefined || source.name === name);
  if (sources.length === 0 && name !== undefined && level.outer) return readAll(names, level.outer);
  for (const source of sources) {
    if (source.kind === 'table') source.use.wholeRows = true;
    else if (source.kind === 'derived') {
      for (const inner of source.levels) for (const output of inner.outputs) readColumns(output.tree, inner);
    }
  }
}

/** `a` and `b` of `(a, b)`; the expression itself when it is no row. */
export function rowItems(tree: Tree | undefined): readonly (Tree | undefined)[] {
  const row = fieldsOf(tree, 'RowExpr');
  return row ? listOf(row['args']) : [tree];
}
