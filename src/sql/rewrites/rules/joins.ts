import { fieldsOf, listOf, type Tree, type TreeObject } from '../../describe/tree.ts';
import { some } from '../constants.ts';
import type { RewriteRule } from '../rule.ts';
import { columnOf, relationOfColumn, type Scope } from '../scope.ts';
import type { RewriteCatalog } from '../types.ts';

/** Tables in FROM that no condition holds together. */
export const missingCondition: RewriteRule = {
  id: 'missing-join-condition',
  tags: ['SelectStmt'],
  look({ fields, scope, catalog }) {
    if (scope.relations.length < 2 || scope.others || scope.merged || isCrossJoined(fields['fromClause']))
      return undefined;
    const groups = connected(fields, scope, catalog);
    if (groups === undefined || groups.length < 2) return undefined;
    const [first = [], second = []] = groups;
    return {
      severity: 'warning',
      message: `No condition joins ${first.join(', ')} with ${second.join(', ')}: every row of one comes with every row of the other`,
      advice: 'Add the join condition, or write CROSS JOIN if that is meant.',
      rewritten: null,
      provided: null,
    };
  },
};

/** CROSS JOIN and JOIN … ON true are meant. */
function isCrossJoined(from: Tree | undefined): boolean {
  return some(from, (node) => {
    const join = fieldsOf(node, 'JoinExpr');
    return join !== undefined && (join['quals'] === undefined || fieldsOf(join['quals'], 'A_Const') !== undefined);
  });
}

/** Names of the tables in groups that conditions hold together; `undefined` when some column's table cannot be told. */
function connected(select: TreeObject, scope: Scope, catalog: RewriteCatalog | undefined): string[][] | undefined {
  const names = scope.relations.map(({ name }) => name);
  if (new Set(names).size < names.length) return undefined;
  const group = new Map(names.map((name) => [name, name]));
  const conditions = [...conjuncts(select['whereClause']), ...quals(select['fromClause'])];
  for (const condition of conditions) {
    const tables = new Set<string>();
    let unclear = false;
    some(condition, (node) => {
      if (fieldsOf(node, 'SubLink')) unclear = true;
      const column = columnOf(node);
      const relation = column && relationOfColumn(column, scope, catalog);
      if (column && !relation) unclear = true;
      if (relation) tables.add(relation.name);
      return false;
    });
    if (unclear) return undefined;
    merge(group, [...tables]);
  }
  return [...Map.groupBy(names, (name) => group.get(name)).values()];
}

function merge(group: Map<string, string>, tables: readonly string[]): void {
  const [first, ...others] = tables.map((name) => group.get(name));
  for (const [name, of] of group) if (first !== undefined && others.includes(of)) group.set(name, first);
}

function conjuncts(condition: Tree | undefined): readonly Tree[] {
  if (condition === undefined) return [];
  const and = fieldsOf(condition, 'BoolExpr');
  return and?.['boolop'] === 'AND_EXPR' ? listOf(and['args']).flatMap((each) => conjuncts(each)) : [condition];
}

function quals(from: Tree | undefined): Tree[] {
  return listOf(from).flatMap((item) => {
    const join = fieldsOf(item, 'JoinExpr');
    if (!join) return [];
    return [...conjuncts(join['quals']), ...quals([join['larg'] ?? null, join['rarg'] ?? null])];
  });
}
