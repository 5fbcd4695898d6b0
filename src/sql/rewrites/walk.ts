import { fieldsOf, isObject, listOf, type Node, nodeOf, textOf, type Tree, type TreeObject } from '../describe/tree.ts';
import type { Place } from './rule.ts';
import { type Scope, scopeOf } from './scope.ts';

type Around = Pick<Place, 'scope' | 'filters' | 'clause' | 'top'>;

interface Walk {
  visit: (tag: string, fields: TreeObject, around: Around) => void;
}

const nowhere: Scope = { relations: [], others: false, merged: false, outerJoined: false, outer: undefined };

/** Calls `visit` with every node of a statement and what is around it, those around before those within. */
export function walk(statement: Node, visit: Walk['visit']): void {
  const names = new Set<string>();
  visitStatement({ visit }, statement, nowhere, names, true);
}

function visitStatement(
  walker: Walk,
  { tag, fields }: Node,
  outer: Scope,
  ctes: ReadonlySet<string>,
  top: boolean,
): void {
  const known = visitCtes(walker, fields['withClause'], outer, ctes);
  if (tag === 'SelectStmt') {
    visitSelect(walker, fields, outer, known, top);
    return;
  }
  const relation = fields['relation'];
  const from = [
    ...(isObject(relation) ? [{ RangeVar: relation }] : []),
    ...listOf(fields['fromClause'] ?? fields['usingClause']),
  ];
  const scope = scopeOf(from, known, top ? undefined : outer);
  walker.visit(tag, fields, { scope, filters: false, clause: 'other', top });
  for (const [name, value] of Object.entries(fields)) {
    if (name === 'withClause' || name === 'relation') continue;
    if (name === 'whereClause') visitExpression(walker, value, { scope, filters: true, clause: 'where', top }, known);
    else visitExpression(walker, value, { scope, filters: false, clause: 'other', top }, known);
  }
}

function visitCtes(
  walker: Walk,
  clause: Tree | undefined,
  outer: Scope,
  ctes: ReadonlySet<string>,
): ReadonlySet<string> {
  if (!isObject(clause)) return ctes;
  const known = new Set(ctes);
  const expressions = listOf(clause['ctes'])
    .map((cte) => fieldsOf(cte, 'CommonTableExpr'))
    .filter((cte) => cte !== undefined);
  for (const { ctename } of expressions) known.add(textOf(ctename) ?? '');
  for (const { ctequery } of expressions) {
    const query = nodeOf(ctequery);
    if (query) visitStatement(walker, query, outer, known, false);
  }
  return known;
}

function visitSelect(walker: Walk, select: TreeObject, outer: Scope, ctes: ReadonlySet<string>, top: boolean): void {
  const scope = scopeOf(select['fromClause'], ctes, top ? undefined : outer);
  walker.visit('SelectStmt', select, { scope, filters: false, clause: 'other', top });
  for (const [name, value] of Object.entries(select)) {
    if (name === 'withClause') continue;
    if ((name === 'larg' || name === 'rarg') && isObject(value)) {
      const inner = visitCtes(walker, value['withClause'], outer, ctes);
      visitSelect(walker, value, outer, inner, false);
    } else if (name === 'whereClause')
      visitExpression(walker, value, { scope, filters: true, clause: 'where', top }, ctes);
    else if (name === 'havingClause')
      visitExpression(walker, value, { scope, filters: true, clause: 'having', top }, ctes);
    else
      visitExpression(
        walker,
        value,
        { scope, filters: false, clause: name === 'targetList' ? 'target' : 'other', top },
        ctes,
      );
  }
}

function visitExpression(walker: Walk, tree: Tree, around: Around, ctes: ReadonlySet<string>): void {
  if (Array.isArray(tree)) {
    for (const each of tree as readonly Tree[]) visitExpression(walker, each, around, ctes);
    return;
  }
  if (!isObject(tree)) return;
  const node = nodeOf(tree);
  if (!node) {
    for (const value of Object.values(tree)) visitExpression(walker, value, around, ctes);
    return;
  }
  const { tag, fields } = node;
  if (/^(?:Select|Insert|Update|Delete|Merge)Stmt$/.test(tag)) {
    visitStatement(walker, node, around.scope, ctes, false);
    return;
  }
  walker.visit(tag, fields, around);
  const passes = tag === 'BoolExpr' && fields['boolop'] !== 'NOT_EXPR';
  for (const [name, value] of Object.entries(fields)) {
    const isJoin = tag === 'JoinExpr' && name === 'quals';
    const within: Around = isJoin
      ? { ...around, filters: true, clause: 'on' }
      : { ...around, filters: around.filters && passes };
    visitExpression(walker, value, within, ctes);
  }
}
