import type { Tree, TreeObject } from '../describe/tree.ts';
import { operatorOf, type Place } from './rule.ts';
import { isExpression, type Span } from './source.ts';

/** `left operator right`, each side with its place in the text where that is certain. */
export interface Comparison {
  operator: string;
  left: Tree;
  right: Tree;
  /** Places of the sides, when the text there is what the parse tree says. */
  spans: { left: Span; right: Span } | undefined;
}

const mirrored: Record<string, string> = { '=': '=', '<>': '<>', '<': '>', '>': '<', '<=': '>=', '>=': '<=' };

/** The comparison that a node is, with the side on the left for which `isSubject` holds; `undefined` when it holds for none. */
export function comparisonOf(place: Place, isSubject: (side: Tree) => boolean): Comparison | undefined {
  const operator = operatorOf(place.fields, 'AEXPR_OP');
  const { lexpr: left, rexpr: right } = place.fields;
  if (operator === undefined || left === undefined || right === undefined || mirrored[operator] === undefined)
    return undefined;
  if (isSubject(left)) return { operator, left, right, spans: sides(place) };
  if (!isSubject(right)) return undefined;
  const spans = sides(place);
  return {
    operator: mirrored[operator] ?? operator,
    left: right,
    right: left,
    spans: spans && { left: spans.right, right: spans.left },
  };
}

/** Where the sides of a binary expression are; `undefined` when that is not certain. */
export function sides({ fields, source }: Place): { left: Span; right: Span } | undefined {
  const operator = source.tokenAt(fields['location']);
  const spans = operator === undefined ? undefined : source.operands(operator);
  if (!spans) return undefined;
  const fits =
    isExpression(source.slice(spans.left), fields['lexpr']) && isExpression(source.slice(spans.right), rightOf(fields));
  return fits ? spans : undefined;
}

/** The right side as one expression; that of IN is a list. */
function rightOf(fields: TreeObject): Tree | undefined {
  return fields['rexpr'];
}

/** From where a comparison begins to where it ends. */
export function whole({ left, right }: { left: Span; right: Span }): Span {
  return { start: Math.min(left.start, right.start), end: Math.max(left.end, right.end) };
}
