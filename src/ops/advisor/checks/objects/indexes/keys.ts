import type { IndexDetails } from './catalog.ts';

/** One key of an index, comparable: what it is, how it is compared and how it is ordered. */
interface Key {
  what: string;
  options: number;
}

const reversed = 0b11;

/** Splits the text of a list of nodes, `({…} {…})`, into its members. */
export function nodesOf(list: string | null): string[] {
  const nodes: string[] = [];
  let depth = 0;
  let start = 0;
  const text = list ?? '';
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    // A backslash takes its meaning from what follows: names may hold braces.
    if (character === '\\') at += 1;
    else if (character === '{' && depth++ === 0) start = at;
    else if (character === '}' && --depth === 0) nodes.push(text.slice(start, at + 1));
  }
  return nodes;
}

function keysOf(index: IndexDetails): Key[] {
  const expressions = nodesOf(index.expressions);
  let used = 0;
  return index.columns.slice(0, index.keyCount).map((column, position) => {
    const what = column === 0 ? (expressions[used++] ?? '') : String(column);
    return {
      what: `${what} ${index.operators[position]} ${index.collations[position]}`,
      options: index.options[position] ?? 0,
    };
  });
}

/** Whether these can be one for the other at all: same table, method and predicate. */
export function bucketOf(index: IndexDetails): string {
  return `${index.tableOid} ${index.method} ${index.predicate ?? ''}`;
}

/**
 * How the keys of `narrow` begin those of `wide`: in the same order, or as when it is read backwards. `undefined` when they
 * do not.
 */
export function beginning(narrow: IndexDetails, wide: IndexDetails): 'same' | 'backwards' | undefined {
  const these = keysOf(narrow);
  const those = keysOf(wide).slice(0, these.length);
  if (those.length < these.length || these.some(({ what }, position) => what !== those[position]?.what))
    return undefined;
  if (these.every(({ options }, position) => options === those[position]?.options)) return 'same';
  return these.every(({ options }, position) => options === ((those[position]?.options ?? 0) ^ reversed))
    ? 'backwards'
    : undefined;
}

/** Whether `wide` carries every column that `narrow` includes, so that an index-only scan stays one. */
export function carries(wide: IndexDetails, narrow: IndexDetails): boolean {
  return narrow.columns.slice(narrow.keyCount).every((column) => wide.columns.includes(column));
}

/** Whether something else than queries needs the index: a constraint, foreign keys of others, the replica identity. */
export function isNeeded(index: IndexDetails): boolean {
  return index.constraint !== null || index.referenced || index.replicaIdentity;
}
