import { readableIdentifier } from '../../identifier.ts';
import { sides } from '../comparison.ts';
import { callOf, castOf, constantOf } from '../constants.ts';
import { operatorOf, type RewriteRule } from '../rule.ts';
import { columnOf, knownColumn, relationOfColumn } from '../scope.ts';

const isText = (type: string): boolean => type === 'text' || type === 'varchar';

/** LIKE without anything that stands for other characters. */
export const plainLike: RewriteRule = {
  id: 'plain-like',
  tags: ['A_Expr'],
  look(place) {
    const operator = operatorOf(place.fields, 'AEXPR_LIKE');
    const pattern = constantOf(place.fields['rexpr']);
    const column = columnOf(place.fields['lexpr']);
    if (
      (operator !== '~~' && operator !== '!~~') ||
      pattern?.kind !== 'string' ||
      /[%_\\]/.test(pattern.value) ||
      !column
    )
      return undefined;
    const known = knownColumn(column, place.scope, place.catalog);
    if (known && !isText(known.type)) return undefined;
    const spans = sides(place);
    const sign = operator === '~~' ? '=' : '<>';
    return {
      severity: 'info',
      message: `LIKE '${shown(pattern.value)}' has no wildcard`,
      advice: `Write ${sign}.`,
      rewritten: spans
        ? place.source.replaced({ start: spans.left.end, end: spans.right.start, by: ` ${sign} ` })
        : null,
      provided: !spans || known ? null : `${column.name} is of type text, of a collation that tells all texts apart`,
    };
  },
};

/** A pattern that begins with a wildcard: an index in the order of the texts does not help. */
export const leadingWildcard: RewriteRule = {
  id: 'leading-wildcard',
  tags: ['A_Expr'],
  look({ fields, clause, scope, catalog }) {
    const operator = operatorOf(fields, 'AEXPR_LIKE') ?? operatorOf(fields, 'AEXPR_ILIKE');
    const pattern = constantOf(fields['rexpr']);
    const column = columnOf(fields['lexpr']);
    if (
      !column ||
      pattern?.kind !== 'string' ||
      !/^[%_]/.test(pattern.value) ||
      clause !== 'where' ||
      operator?.startsWith('!')
    )
      return undefined;
    const table = relationOfColumn(column, scope, catalog)?.table.name ?? 'the_table';
    return {
      severity: 'warning',
      message: `A pattern that begins with a wildcard ('${shown(pattern.value)}') has to be compared with every row`,
      advice: `With pg_trgm: CREATE INDEX ON ${readableIdentifier(table)} USING gin (${readableIdentifier(column.name)} gin_trgm_ops); it finds any part of three characters or more.`,
      rewritten: null,
      provided: null,
    };
  },
};

/** ILIKE without a wildcard at its beginning. */
export const caselessLike: RewriteRule = {
  id: 'caseless-like',
  tags: ['A_Expr'],
  look({ fields, clause }) {
    const pattern = constantOf(fields['rexpr']);
    const column = columnOf(fields['lexpr']);
    if (operatorOf(fields, 'AEXPR_ILIKE') !== '~~*' || !column || clause !== 'where') return undefined;
    if (pattern?.kind === 'string' && /^[%_]/.test(pattern.value)) return undefined;
    return {
      severity: 'info',
      message: 'ILIKE cannot use an ordinary index',
      advice: `Compare lower(${column.name}) with lower(the value) and index lower(${column.name}), or use a gin_trgm_ops index.`,
      rewritten: null,
      provided: null,
    };
  },
};

/** `lower(email) = …`: the index has to be on the same expression. */
export const functionOfColumn: RewriteRule = {
  id: 'function-of-column',
  tags: ['A_Expr'],
  look({ fields, clause, scope, catalog }) {
    if (operatorOf(fields, 'AEXPR_OP') !== '=' || clause !== 'where') return undefined;
    for (const [side, other] of [
      ['lexpr', 'rexpr'],
      ['rexpr', 'lexpr'],
    ] as const) {
      const call = callOf(fields[side]);
      const column = columnOf(call?.arguments[0]);
      if (!call || !column || !stable.has(call.name)) continue;
      if (!constantOf(castOf(fields[other])?.value ?? fields[other]) && !callOf(fields[other])) continue;
      const table = relationOfColumn(column, scope, catalog)?.table.name ?? 'the_table';
      const rest = call.arguments.length > 1 ? ', …' : '';
      return {
        severity: 'info',
        message: `${call.name}(${column.name}${rest}) is computed for every row, unless an index has this expression`,
        advice: `CREATE INDEX ON ${readableIdentifier(table)} (${call.name}(${readableIdentifier(column.name)}${rest})); serves it.`,
        rewritten: null,
        provided: null,
      };
    }
    return undefined;
  },
};

const stable = new Set(
  'lower upper trim btrim ltrim rtrim md5 abs round left right substring length replace'.split(' '),
);

function shown(pattern: string): string {
  return pattern.length > 40 ? `${pattern.slice(0, 40)}…` : pattern;
}
