/** What the adapters know of a response that it does not say itself. */
interface Marks {
  /** It came to a good end, but not all of it is in the response: trailers, for one. */
  isSpoilt?: boolean;
  /** Headers that were set before the request came to the cache, as they are for every request anew. */
  outer?: ReadonlySet<string>;
}

const marks = new WeakMap<Response, Marks>();

export function mark(response: Response, more: Marks): void {
  marks.set(response, { ...marks.get(response), ...more });
}

export function marksOf(response: Response): Marks {
  return marks.get(response) ?? {};
}
