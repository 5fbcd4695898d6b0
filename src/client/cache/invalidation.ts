/** What is not to be served any more. */
export type Invalidation =
  | { readonly kind: 'key'; readonly key: string }
  /** All entries that bear the tag. */
  | { readonly kind: 'tag'; readonly tag: string }
  /** All keys that begin with it; it ends where a part of the key does: `orders:42:`. */
  | { readonly kind: 'prefix'; readonly prefix: string }
  /** All keys that match; `*` stands for any characters. */
  | { readonly kind: 'pattern'; readonly pattern: string }
  | { readonly kind: 'all' }
  /** Concerns no entry: a word to the other processes that share a tier, in order with what is invalidated. Caches make none. */
  | { readonly kind: 'note'; readonly text: string };

/** Patterns that are prefixes are found by the parts of keys, without looking at others. */
export function ofPattern(pattern: string): Invalidation {
  if (pattern === '*') return { kind: 'all' };
  const prefix = pattern.slice(0, -1);
  if (pattern.endsWith(':*') && !prefix.includes('*')) return { kind: 'prefix', prefix };
  return { kind: 'pattern', pattern };
}
