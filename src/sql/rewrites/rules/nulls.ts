import { isObject, listOf } from '../../describe/tree.ts';
import { fieldsOf } from '../../describe/tree.ts';
import { comparisonOf, whole } from '../comparison.ts';
import { constantOf } from '../constants.ts';
import { operatorOf, type RewriteRule } from '../rule.ts';
import { columnOf, knownColumn } from '../scope.ts';

/** `coalesce(column, 0) = 5`: an index on the column cannot be used. */
export const coalescedColumn: RewriteRule = {
  id: 'coalesced-column',
  tags: ['A_Expr'],
  look(place) {
    if (place.clause !== 'where' && place.clause !== 'on') return undefined;
    const found = comparisonOf(place, (side) => columnOf(coalesced(side)[0]) !== undefined);
    if (!found || found.operator !== '=') return undefined;
    const [inner, fallback, ...more] = coalesced(found.left);
    const column = columnOf(inner);
    if (!column || more.length > 0) return undefined;
    const known = knownColumn(column, place.scope, place.catalog);
    const [otherwise, wanted] = [constantOf(fallback), constantOf(found.right)];
    let rewritten: string | null = null;
    const comparable = otherwise?.kind === 'integer' && wanted?.kind === 'integer';
    if (found.spans && comparable && place.filters) {
      const text = place.source.slice(found.spans.left);
      const name = /^coalesce\s*\(\s*([^(),]+?)\s*,/is.exec(text)?.[1];
      const value = place.source.slice(found.spans.right);
      if (name !== undefined) {
        const by = otherwise.value === wanted.value ? `(${name} = ${value} OR ${name} IS NULL)` : `${name} = ${value}`;
        rewritten = place.source.replaced({ ...whole(found.spans), by });
      }
    }
    return {
      severity: 'warning',
      message: `coalesce(${column.name}, …) is computed for every row, so that an index on ${column.name} cannot be used`,
      advice: known?.notNull
        ? `${column.name} is never NULL: leave coalesce out.`
        : 'Compare the column itself, with OR … IS NULL where NULL is meant too.',
      rewritten,
      provided: null,
    };
  },
};

function coalesced(side: Parameters<typeof fieldsOf>[0]): ReturnType<typeof listOf> {
  return listOf(fieldsOf(side, 'CoalesceExpr')?.['args']);
}

/** `= NULL` is never true. */
export const nullComparison: RewriteRule = {
  id: 'null-comparison',
  tags: ['A_Expr'],
  look({ fields }) {
    const operator = operatorOf(fields, 'AEXPR_OP');
    if (operator !== '=' && operator !== '<>') return undefined;
    if (constantOf(fields['rexpr'])?.kind !== 'null' && constantOf(fields['lexpr'])?.kind !== 'null') return undefined;
    if (!isObject(fields['lexpr']) || !isObject(fields['rexpr'])) return undefined;
    return {
      severity: 'warning',
      message: `${operator} NULL is never true, whatever the value is`,
      advice: `Write ${operator === '=' ? 'IS NULL' : 'IS NOT NULL'}.`,
      rewritten: null,
      provided: null,
    };
  },
};

/** NOT (a = b) is a <> b. */
export const negatedComparison: RewriteRule = {
  id: 'negated-comparison',
  tags: ['BoolExpr'],
  look(place) {
    if (place.fields['boolop'] !== 'NOT_EXPR') return undefined;
    const inner = fieldsOf(listOf(place.fields['args'])[0], 'A_Expr');
    const operator = inner && operatorOf(inner, 'AEXPR_OP');
    const opposite = operator === undefined ? undefined : opposites[operator];
    if (!inner || opposite === undefined) return undefined;
    const found = comparisonOf({ ...place, tag: 'A_Expr', fields: inner }, (side) => columnOf(side) !== undefined);
    if (!found?.spans) return undefined;
    const not = place.source.tokenAt(place.fields['location']);
    const opening = not === undefined ? undefined : place.source.tokens[not + 1];
    const closing = not === undefined || opening?.text !== '(' ? undefined : place.source.closing(not + 1);
    const end = closing === undefined ? undefined : place.source.tokens[closing]?.end;
    const start = not === undefined ? undefined : place.source.tokens[not]?.start;
    const location = place.source.tokenAt(inner['location']);
    const sign = location === undefined ? undefined : place.source.tokens[location];
    const value = constantOf(found.right);
    if (start === undefined || end === undefined || !sign || value?.kind !== 'integer') return undefined;
    const { left, right } = found.spans;
    const [first, second] = left.start < right.start ? [left, right] : [right, left];
    const by = `${place.source.slice(first)} ${opposite} ${place.source.slice(second)}`;
    return {
      severity: 'info',
      message: `NOT around a comparison is harder to read than ${opposite}`,
      advice: `Write ${opposite}.`,
      rewritten: place.source.replaced({ start, end, by: `(${by})` }),
      provided: null,
    };
  },
};

const opposites: Record<string, string> = { '=': '<>', '<>': '=', '<': '>=', '>': '<=', '<=': '>', '>=': '<' };
