import type { TableName } from '../description.ts';
import { fieldsOf, listOf, namesOf, textOf, type Tree, type TreeObject } from '../describe/tree.ts';
import type { RewriteCatalog, RewriteColumn } from './types.ts';

/** A table that a FROM clause names. */
export interface ScopeRelation {
  table: TableName;
  /** What its columns are called by: the alias, else the table's name. */
  name: string;
}

/** What FROM of one query has. */
export interface Scope {
  relations: readonly ScopeRelation[];
  /** It has something else too: a subquery, a function, a common table expression. */
  others: boolean;
  /** Some columns were joined by USING or NATURAL. */
  merged: boolean;
  /** Some columns may be NULL by an outer join, whatever their table says. */
  outerJoined: boolean;
  /** The query around it. */
  outer: Scope | undefined;
}

export function scopeOf(from: Tree | undefined, ctes: ReadonlySet<string>, outer: Scope | undefined): Scope {
  const scope = { relations: [] as ScopeRelation[], others: false, merged: false, outerJoined: false, outer };
  const add = (item: Tree): void => {
    const join = fieldsOf(item, 'JoinExpr');
    if (join) {
      if (join['isNatural'] === true || listOf(join['usingClause']).length > 0) scope.merged = true;
      if (join['jointype'] !== 'JOIN_INNER') scope.outerJoined = true;
      if (join['alias'] !== undefined) scope.others = true;
      for (const side of ['larg', 'rarg']) if (join[side] !== undefined) add(join[side]);
      return;
    }
    const relation = relationOf(fieldsOf(item, 'RangeVar'));
    if (relation && !(relation.table.schema === undefined && ctes.has(relation.table.name)))
      scope.relations.push(relation);
    else scope.others = true;
  };
  for (const item of listOf(from)) add(item);
  return scope;
}

export function relationOf(range: TreeObject | undefined): ScopeRelation | undefined {
  const name = textOf(range?.['relname']);
  if (!range || name === undefined) return undefined;
  const alias = range['alias'];
  const called =
    typeof alias === 'object' && alias !== null && !Array.isArray(alias)
      ? textOf((alias as TreeObject)['aliasname'])
      : undefined;
  return { table: { schema: textOf(range['schemaname']), name }, name: called ?? name };
}

/** A column as a statement names it. */
export interface ColumnName {
  /** `o` of `o.id`. */
  qualifier: string | undefined;
  name: string;
}

/** The column of a ColumnRef; `undefined` for `*`, `schema.table.column` and everything else. */
export function columnOf(tree: Tree | undefined): ColumnName | undefined {
  const fields = fieldsOf(tree, 'ColumnRef');
  const names = fields ? namesOf(fields['fields']) : [];
  if (names.includes('*') || names.length === 0 || names.length > 2) return undefined;
  return { qualifier: names.length === 2 ? names[0] : undefined, name: names.at(-1) ?? '' };
}

/** The table that a column belongs to, as far as the text or the catalog tells. */
export function relationOfColumn(
  { qualifier, name }: ColumnName,
  scope: Scope,
  catalog: RewriteCatalog | undefined,
): ScopeRelation | undefined {
  if (qualifier !== undefined) {
    const found = scope.relations.filter((relation) => relation.name === qualifier);
    return found.length === 1 ? found[0] : undefined;
  }
  if (scope.others) return undefined;
  const [only] = scope.relations;
  const withIt = scope.relations.filter(({ table }) => catalog?.columns(table)?.some((column) => column.name === name));
  if (withIt.length === 1) return withIt[0];
  return scope.relations.length === 1 &&
    only &&
    (scope.outer === undefined || withIt.length > 0) &&
    !catalog?.columns(only.table)
    ? only
    : undefined;
}

/** What the catalog says of a column; `undefined` when it cannot be told which one it is. */
export function knownColumn(
  column: ColumnName | undefined,
  scope: Scope,
  catalog: RewriteCatalog | undefined,
): RewriteColumn | undefined {
  const relation = column && relationOfColumn(column, scope, catalog);
  return relation && catalog?.columns(relation.table)?.find(({ name }) => name === column.name);
}
