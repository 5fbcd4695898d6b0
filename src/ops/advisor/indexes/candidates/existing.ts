import type { ExistingIndex } from '../model/types.ts';
import { plainExpression } from './definition.ts';
import type { Candidate } from './types.ts';

/** Whether an index that the table has does all that a candidate could. */
export function isCovered({ index }: Candidate, existing: readonly ExistingIndex[]): boolean {
  return existing.some((other) => {
    if (!other.valid || other.method !== index.method) return false;
    if (other.where !== undefined && plainExpression(other.where) !== plainExpression(index.where ?? '')) return false;
    if (index.include.length > 0 && !index.include.every((column) => carries(other, column))) return false;
    // Only a B-tree with more keys than asked for does the same as one with fewer.
    if (index.method !== 'btree' && other.keys.length !== index.keys.length) return false;
    return sameDirection(index, other);
  });
}

function carries({ keys, include }: ExistingIndex, column: string): boolean {
  return include.includes(column) || keys.some((key) => key.column === column);
}

/** The leading keys are the same, all in the same or all in the opposite direction. */
function sameDirection({ keys }: Candidate['index'], other: ExistingIndex): boolean {
  let turned: boolean | undefined;
  return keys.every((key, at) => {
    const its = other.keys[at];
    if (!its || plainExpression(its.expression) !== plainExpression(key.expression)) return false;
    if ((its.operatorClass ?? '') !== (key.operatorClass?.replace(/^.*\./, '') ?? '')) return false;
    if ((its.collation === undefined) !== (key.collation === undefined)) return false;
    const descending = key.descending ?? false;
    const nullsFirst = key.nulls === undefined ? descending : key.nulls === 'first';
    const opposite = its.descending !== descending;
    if ((its.nullsFirst !== nullsFirst) !== opposite) return false;
    turned ??= opposite;
    return turned === opposite;
  });
}
