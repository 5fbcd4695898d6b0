import { sides } from '../comparison.ts';
import { comparisonOf, whole } from '../comparison.ts';
import { castOf, constantOf } from '../constants.ts';
import type { RewriteRule } from '../rule.ts';
import { columnOf, knownColumn } from '../scope.ts';

/** `id::text = '5'`: the column is cast, not the value. */
export const castColumn: RewriteRule = {
  id: 'cast-column',
  tags: ['A_Expr'],
  look(place) {
    if (place.clause !== 'where' && place.clause !== 'on') return undefined;
    const found = comparisonOf(place, (side) => {
      const cast = castOf(side);
      return cast !== undefined && cast.type !== 'date' && columnOf(cast.value) !== undefined;
    });
    const cast = found && castOf(found.left);
    const column = columnOf(cast?.value);
    if (!found || !cast || !column || columnOf(found.right)) return undefined;
    const known = knownColumn(column, place.scope, place.catalog);
    if (known?.type === cast.type) return undefined;
    const value = constantOf(found.right);
    let rewritten: string | null = null;
    const isText = cast.type === 'text' || cast.type === 'varchar';
    const isCanonical = value?.kind === 'string' && /^(?:0|-?[1-9]\d{0,3})$/.test(value.value);
    const fits = known && /^int[248]$/.test(known.type) && isText && isCanonical;
    if (found.spans && fits && (found.operator === '=' || found.operator === '<>')) {
      const name = /^(.+?)\s*::/s.exec(place.source.slice(found.spans.left))?.[1];
      if (name !== undefined)
        rewritten = place.source.replaced({ ...whole(found.spans), by: `${name} ${found.operator} ${value.value}` });
    }
    return {
      severity: 'warning',
      message: `${column.name} is cast to ${cast.type} for every row, so that an index on it cannot be used`,
      advice: 'Cast the value to the type of the column instead.',
      rewritten,
      provided: null,
    };
  },
};

/** An integer column compared with a number that has a decimal point: the column becomes numeric for every row. */
export const decimalValue: RewriteRule = {
  id: 'decimal-value',
  tags: ['A_Expr'],
  look(place) {
    const found = comparisonOf(place, (side) => columnOf(side) !== undefined);
    if (!found || (place.clause !== 'where' && place.clause !== 'on')) return undefined;
    const column = columnOf(found.left);
    const known = knownColumn(column, place.scope, place.catalog);
    const cast = castOf(found.right);
    const value = constantOf(found.right);
    if (!column || !known || !/^int[248]$/.test(known.type)) return undefined;
    const isDecimal = value?.kind === 'decimal' && value.value.includes('.');
    const isCast = cast !== undefined && /^(?:numeric|float[48]|text)$/.test(cast.type);
    if (!isDecimal && !isCast) return undefined;
    const exact = isDecimal ? /^(\d{1,4})\.0*$/.exec(value.value)?.[1] : undefined;
    const spans = sides(place);
    const isRight = spans && found.spans?.right.start === spans.right.start;
    return {
      severity: 'warning',
      message: `${column.name} is an integer and compared with a ${isCast ? cast.type : 'numeric'} value: it is converted for every row, so that an index on it cannot be used`,
      advice: 'Give the value as an integer.',
      rewritten:
        exact !== undefined && found.spans && isRight !== undefined
          ? place.source.replaced({ ...found.spans.right, by: exact })
          : null,
      provided: null,
    };
  },
};
