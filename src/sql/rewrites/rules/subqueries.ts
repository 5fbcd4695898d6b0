import { fieldsOf, isObject, listOf, namesOf, type Tree, type TreeObject } from '../../describe/tree.ts';
import { readableIdentifier } from '../../identifier.ts';
import { type Comparison, comparisonOf, whole } from '../comparison.ts';
import { constantOf, hasAggregate, some } from '../constants.ts';
import { type Place, type RewriteRule } from '../rule.ts';
import { columnOf, knownColumn, relationOfColumn, type Scope, scopeOf } from '../scope.ts';

/** A SELECT of tables and conditions alone. */
function plainSelect(select: TreeObject | undefined): select is TreeObject {
  if (!select || select['op'] !== 'SETOP_NONE') return false;
  const more = [
    'groupClause',
    'havingClause',
    'limitCount',
    'limitOffset',
    'distinctClause',
    'windowClause',
    'sortClause',
    'valuesLists',
    'withClause',
    'lockingClause',
    'intoClause',
  ];
  return more.every((clause) => select[clause] === undefined);
}

function subselectOf(side: Tree | undefined, type: string): TreeObject | undefined {
  const link = fieldsOf(side, 'SubLink');
  return link?.['subLinkType'] === type ? fieldsOf(link['subselect'], 'SelectStmt') : undefined;
}

/** `(SELECT count(*) …) > 0` counts all to know whether there is one. */
export const countToExist: RewriteRule = {
  id: 'count-to-exist',
  tags: ['A_Expr'],
  look(place) {
    const found = comparisonOf(place, (side) => countsRows(subselectOf(side, 'EXPR_SUBLINK')));
    const select = found && subselectOf(found.left, 'EXPR_SUBLINK');
    const bound = constantOf(found?.right);
    if (!found || !select || bound?.kind !== 'integer') return undefined;
    const isThere = existence[`${found.operator} ${bound.value}`];
    if (isThere === undefined) return undefined;
    return {
      severity: 'warning',
      message: 'It counts all rows only to know whether there is one',
      advice: `Write ${isThere ? 'EXISTS' : 'NOT EXISTS'}: it stops at the first row.`,
      rewritten: asExists(place, found.spans, isThere),
      provided: null,
    };
  },
};

const existence: Record<string, boolean> = {
  '> 0': true,
  '>= 1': true,
  '<> 0': true,
  '= 0': false,
  '< 1': false,
  '<= 0': false,
};

function countsRows(select: TreeObject | undefined): boolean {
  const [only, ...others] = listOf(select?.['targetList']);
  const call = fieldsOf(fieldsOf(only, 'ResTarget')?.['val'], 'FuncCall');
  const isCount = call?.['agg_star'] === true && namesOf(call['funcname']).at(-1) === 'count';
  return (
    isCount &&
    others.length === 0 &&
    call['agg_filter'] === undefined &&
    call['over'] === undefined &&
    plainSelect(select) &&
    listOf(select['fromClause']).length > 0
  );
}

function asExists({ source }: Place, spans: Comparison['spans'], positive: boolean): string | null {
  if (!spans) return null;
  const text = source.slice(spans.left);
  const inner = /^\(\s*select\s+count\s*\(\s*\*\s*\)(?:\s+(?:as\s+)?(?!from\b)[\w"]+)?\s+(from\b.*)\)$/is.exec(
    text,
  )?.[1];
  if (inner === undefined) return null;
  return source.replaced({ ...whole(spans), by: `${positive ? 'EXISTS' : 'NOT EXISTS'} (SELECT 1 ${inner.trim()})` });
}

/** NOT IN (subquery): one NULL among its rows, and nothing is found. */
export const notInSubquery: RewriteRule = {
  id: 'not-in-subquery',
  tags: ['BoolExpr'],
  look(place) {
    const link =
      place.fields['boolop'] === 'NOT_EXPR' ? fieldsOf(listOf(place.fields['args'])[0], 'SubLink') : undefined;
    const select = fieldsOf(link?.['subselect'], 'SelectStmt');
    if (!link || link['subLinkType'] !== 'ANY_SUBLINK' || link['operName'] !== undefined || !select) return undefined;
    const inner = scopeOf(select['fromClause'], new Set(), place.scope);
    const target = fieldsOf(listOf(select['targetList'])[0], 'ResTarget')?.['val'];
    const [outerColumn, innerColumn] = [columnOf(link['testexpr']), columnOf(target)];
    const known = [
      knownColumn(outerColumn, place.scope, place.catalog),
      knownColumn(innerColumn, inner, place.catalog),
    ];
    const never = !inner.outerJoined && !place.scope.outerJoined && known.every((column) => column?.notNull === true);
    return {
      severity: never ? 'info' : 'warning',
      message: never
        ? 'NOT IN (subquery) cannot be planned as an anti-join'
        : 'NOT IN (subquery) finds nothing as soon as the subquery gives a NULL, and cannot be planned as an anti-join',
      advice: 'Write NOT EXISTS with the comparison in its WHERE.',
      rewritten: never ? asAntiJoin(place, link, select, inner) : null,
      provided: null,
    };
  },
};

function asAntiJoin(place: Place, link: TreeObject, select: TreeObject, inner: Scope): string | null {
  const { source, scope, catalog } = place;
  const [outerColumn, innerColumn] = [
    columnOf(link['testexpr']),
    columnOf(fieldsOf(listOf(select['targetList'])[0], 'ResTarget')?.['val']),
  ];
  const outerRelation = outerColumn && relationOfColumn(outerColumn, scope, catalog);
  const innerRelation = innerColumn && relationOfColumn(innerColumn, inner, catalog);
  if (
    !outerRelation ||
    !innerRelation ||
    !plainSelect(select) ||
    listOf(select['targetList']).length !== 1 ||
    inner.others ||
    scope.others
  )
    return null;
  if (inner.relations.some(({ name }) => name === outerRelation.name)) return null;
  const not = source.tokenAt(place.fields['location']);
  if (not === undefined) return null;
  // The text is `x NOT IN (SELECT …)`; `NOT x IN (…)` is left alone.
  const [left, opening] = [source.tokens[not - 1], source.tokens[not + 2]];
  const closing = source.closing(not + 2);
  const end = closing === undefined ? undefined : source.tokens[closing];
  if (
    source.tokens[not]?.text !== 'not' ||
    source.tokens[not + 1]?.text !== 'in' ||
    !left ||
    opening?.text !== '(' ||
    !end
  )
    return null;
  const operands = source.operands(not);
  const start = operands?.left.start;
  if (start === undefined) return null;
  const body = source.text.slice(opening.end, end.start);
  const condition = `${readableIdentifier(innerRelation.name)}.${readableIdentifier(innerColumn.name)} = ${readableIdentifier(outerRelation.name)}.${readableIdentifier(outerColumn.name)}`;
  const within = select['whereClause'] === undefined ? withWhere(body, condition) : andWhere(body, condition);
  return within === undefined ? null : source.replaced({ start, end: end.end, by: `NOT EXISTS (${within})` });
}

const hasComment = (text: string): boolean => /--|\/\*/.test(text);

function withWhere(body: string, condition: string): string | undefined {
  const from = /^\s*select\s+.+?\s(from\b.*)$/is.exec(body)?.[1];
  return from === undefined || hasComment(body) ? undefined : `SELECT 1 ${from.trim()} WHERE ${condition}`;
}

function andWhere(body: string, condition: string): string | undefined {
  const parts = /^\s*select\s+.+?\s(from\b.*?)\swhere\b(.*)$/is.exec(body);
  if (!parts || hasComment(body) || /\bselect\b/i.test(parts[1] ?? '')) return undefined;
  return `SELECT 1 ${parts[1]?.trim()} WHERE (${parts[2]?.trim()}) AND ${condition}`;
}

/** A subquery in the list of results runs once for each row. */
export const scalarSubquery: RewriteRule = {
  id: 'scalar-subquery',
  tags: ['SubLink'],
  look({ fields, clause, scope, source }) {
    const select = fieldsOf(fields['subselect'], 'SelectStmt');
    if (clause !== 'target' || fields['subLinkType'] !== 'EXPR_SUBLINK' || !select || source.tokens.length === 0)
      return undefined;
    const inside = scopeOf(select['fromClause'], new Set(), scope);
    const outside = new Set(scope.relations.map(({ name }) => name));
    for (const { name } of inside.relations) outside.delete(name);
    const correlated = some(select, (node) => outside.has(columnOf(node)?.qualifier ?? ''));
    if (!correlated || listOf(select['fromClause']).length === 0) return undefined;
    const counting = isObject(select) && hasAggregate(select['targetList']);
    return {
      severity: 'info',
      message: 'A subquery in the list of results runs once for each row of the result',
      advice: counting
        ? 'For many rows, group in a subquery of FROM and join it (LEFT JOIN, so that rows without any stay).'
        : 'For many rows, join instead (LEFT JOIN, so that rows without any stay), or LEFT JOIN LATERAL.',
      rewritten: null,
      provided: null,
    };
  },
};
