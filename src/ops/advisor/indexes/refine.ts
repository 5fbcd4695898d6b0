import type { IndexKey } from '../../whatif/index.ts';
import { candidate, keyText } from './candidates/definition.ts';
import type { Candidate } from './candidates/types.ts';

/** Pairs of one table that are looked at, those with more gain first. */
const mostPairs = 40;
const mostKeys = 6;

/**
 * Wider indexes that might do the work of two: of two B-trees of a table, the keys of the one behind those of the other, and
 * where the one's keys begin the other's, what both carry along.
 */
export function merged(indexes: readonly Candidate[]): Candidate[] {
  const found = new Map<string, Candidate>();
  const known = new Set(indexes.map(({ index }) => index.id));
  for (const group of Map.groupBy(indexes, ({ table, index }) => `${table.oid} ${index.where ?? ''}`).values()) {
    const trees = group.filter(({ index }) => index.method === 'btree');
    let pairs = 0;
    for (const first of trees) {
      for (const second of trees) {
        if (first === second || pairs++ >= mostPairs) continue;
        const both = mergedPair(first, second);
        if (both && !known.has(both.index.id)) found.set(both.index.id, both);
      }
    }
  }
  return [...found.values()];
}

function mergedPair(first: Candidate, second: Candidate): Candidate | undefined {
  const keys: IndexKey[] = [...first.index.keys];
  const plain = new Set(keys.map(({ expression }) => expression));
  for (const key of second.index.keys) if (!plain.has(key.expression)) keys.push(key);
  if (keys.length > mostKeys) return undefined;
  const names = new Set(keys.map(keyText));
  const include = [...new Set([...first.index.include, ...second.index.include])].filter(
    (column) => !names.has(column),
  );
  return candidate(first.table, {
    keys,
    include,
    where: first.index.where,
    columns: [...first.columns, ...second.columns],
    reason: `${first.reason}; and ${second.reason}`,
  });
}
