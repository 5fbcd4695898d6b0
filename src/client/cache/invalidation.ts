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
