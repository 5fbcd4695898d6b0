import type { Tree } from '../../describe/tree.ts';
import { fieldsOf } from '../../describe/tree.ts';
import { comparisonOf } from '../comparison.ts';
import { constantOf } from '../constants.ts';
import { operatorOf, type RewriteRule } from '../rule.ts';
import { columnOf, knownColumn } from '../scope.ts';

/** `column + 1 > 10`: an index on the column does not know sums. */
export const columnArithmetic: RewriteRule = {
  id: 'column-arithmetic',
  tags: ['A_Expr'],
  look(place) {
    if (place.clause !== 'where' && place.clause !== 'on') return undefined;
    const found = comparisonOf(place, (side) => sumOf(side) !== undefined);
    const sum = found && sumOf(found.left);
    if (!found || !sum || columnOf(found.right)) return undefined;
    const known = knownColumn(sum.column, place.scope, place.catalog);
    const bound = constantOf(found.right);
    let rewritten: string | null = null;
    const fitting = known === undefined || /^int[248]$/.test(known.type);
    if (found.spans && bound?.kind === 'integer' && sum.step !== undefined && fitting) {
      const text = place.source.slice(found.spans.left);
      const name = /^\(?\s*(.+?)\s*[+-]\s*\d+\s*\)?$/s.exec(text)?.[1];
      const limit = bound.value - sum.step;
      const column = name === undefined || name.includes('(') ? undefined : name;
      const { left, right } = found.spans;
      if (column !== undefined && Math.abs(limit) < 32_000) {
        rewritten = place.source.replaced({ ...left, by: column }, { ...right, by: String(limit) });
      }
    }
    return {
      severity: 'warning',
      message: `${sum.column.name} is added to before it is compared, so that an index on it cannot be used`,
      advice: 'Compare the column itself, and do the arithmetic on the other side.',
      rewritten,
      provided: rewritten === null || known ? null : `${sum.column.name} is an integer`,
    };
  },
};

function sumOf(side: Tree): { column: NonNullable<ReturnType<typeof columnOf>>; step: number | undefined } | undefined {
  const fields = fieldsOf(side, 'A_Expr');
  const operator = fields && operatorOf(fields, 'AEXPR_OP');
  if (!fields || (operator !== '+' && operator !== '-')) return undefined;
  const column = columnOf(fields['lexpr']);
  const step = constantOf(fields['rexpr']);
  if (!column || (!step && fieldsOf(fields['rexpr'], 'TypeCast') === undefined)) return undefined;
  const by = step?.kind === 'integer' ? step.value : undefined;
  return { column, step: by === undefined ? undefined : operator === '+' ? by : -by };
}
