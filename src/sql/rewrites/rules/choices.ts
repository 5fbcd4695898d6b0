import { fieldsOf, listOf, type Tree } from '../../describe/tree.ts';
import { sides } from '../comparison.ts';
import { constantOf } from '../constants.ts';
import { operatorOf, type Place, type RewriteRule } from '../rule.ts';
import { columnOf } from '../scope.ts';
import { sameTree } from '../source.ts';

interface Equality {
  column: Tree;
  value: Tree;
  place: Place;
}

/** The sides of an OR, all of them `column = value`; `undefined` when one is not. */
function equalitiesOf(place: Place): Equality[] | undefined {
  if (place.fields['boolop'] !== 'OR_EXPR') return undefined;
  const found: Equality[] = [];
  for (const argument of listOf(place.fields['args'])) {
    const fields = fieldsOf(argument, 'A_Expr');
    if (!fields || operatorOf(fields, 'AEXPR_OP') !== '=' || !columnOf(fields['lexpr']) || !constantOf(fields['rexpr']))
      return undefined;
    found.push({
      column: fields['lexpr'] ?? null,
      value: fields['rexpr'] ?? null,
      place: { ...place, tag: 'A_Expr', fields },
    });
  }
  return found;
}

/** `a = 1 OR a = 2` is `a IN (1, 2)`. */
export const choiceOfOne: RewriteRule = {
  id: 'or-of-one-column',
  tags: ['BoolExpr'],
  look(place) {
    const found = equalitiesOf(place);
    const [first] = found ?? [];
    if (!found || !first || !found.every(({ column }) => sameTree(column, first.column))) return undefined;
    const kinds = new Set(found.map(({ value }) => constantOf(value)?.kind));
    const spans = found.map((each) => sides(each.place));
    const [begin, end] = [spans[0], spans.at(-1)];
    let rewritten: string | null = null;
    const alike = kinds.size === 1 && !kinds.has('null') && !kinds.has('decimal');
    if (begin && end && alike && isPlain(place, begin.left.start, end.right.end)) {
      const values = spans.map((span) => (span ? place.source.slice(span.right) : ''));
      const by = `${place.source.slice(begin.left)} IN (${values.join(', ')})`;
      if (!values.includes('')) rewritten = place.source.replaced({ start: begin.left.start, end: end.right.end, by });
    }
    return {
      severity: 'info',
      message: `${columnOf(first.column)?.name} is compared with ${found.length} values by OR`,
      advice: 'Write IN: it is one search of an index instead of several, before PostgreSQL 18.',
      rewritten,
      provided: null,
    };
  },
};

/** Whether nothing but conditions and OR stands between: each in parentheses of its own would be cut apart. */
function isPlain({ source }: Place, start: number, end: number): boolean {
  const inside = source.tokens.filter((token) => token.start >= start && token.end <= end);
  return inside.every(({ text, kind }) => kind !== 'punctuation' || text === '.');
}

/** OR between conditions on different columns needs an index for each. */
export const choiceOfSeveral: RewriteRule = {
  id: 'or-of-columns',
  tags: ['BoolExpr'],
  look(place) {
    if (place.fields['boolop'] !== 'OR_EXPR' || place.clause !== 'where' || !place.filters) return undefined;
    const columns = listOf(place.fields['args']).map((argument) => columnOf(fieldsOf(argument, 'A_Expr')?.['lexpr']));
    if (columns.some((column) => column === undefined)) return undefined;
    const names = new Set(columns.map((column) => column?.name ?? ''));
    const tables = new Set(columns.map((column) => column?.qualifier ?? ''));
    if (names.size < 2) return undefined;
    const several = tables.size > 1;
    return {
      severity: several ? 'warning' : 'info',
      message: `OR between ${[...names].join(' and ')}${several ? ' of different tables' : ''} ${several ? 'can be checked only after joining' : 'uses indexes only where each has one'}`,
      advice:
        'Where one of them has to be searched whole, a UNION of two queries lets each use its own index (UNION ALL with the second excluding the first, when the same row may come twice).',
      rewritten: null,
      provided: null,
    };
  },
};

/** From here on a list is long to parse, plan and keep in statistics. */
const longList = 100;

export const longInList: RewriteRule = {
  id: 'long-in-list',
  tags: ['A_Expr'],
  look({ fields }) {
    const operator = operatorOf(fields, 'AEXPR_IN');
    const values = listOf(fieldsOf(fields['rexpr'], 'List')?.['items']);
    if (operator === undefined || values.length < longList) return undefined;
    return {
      severity: 'info',
      message: `IN has ${values.length} values, so that every number of values is another statement to parse and plan`,
      advice: operator === '=' ? 'Send one array: = ANY ($1).' : 'Send one array: <> ALL ($1).',
      rewritten: null,
      provided: null,
    };
  },
};
