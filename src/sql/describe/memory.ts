/** Answers by text, of which those not asked for lately are forgotten. */
export interface Recent<Value> {
  get(text: string): Value | undefined;
  set(text: string, value: Value, size: number): void;
}

/**
 * Keeps two generations. When the young one is full it becomes the old one, and what was in the old one and has not been asked
 * for since is forgotten. What is used often is found by one look into a Map, and nothing is moved for it.
 *
 * @param most entries of one generation.
 * @param mostSize the sum of their sizes; something larger than a tenth of it is not kept.
 */
export function recent<Value>(most: number, mostSize: number): Recent<Value> {
  interface Entry {
    value: Value;
    size: number;
  }
  let young = new Map<string, Entry>();
  let old = new Map<string, Entry>();
  let youngSize = 0;

  const add = (text: string, entry: Entry): void => {
    if (young.size >= most || youngSize + entry.size > mostSize) {
      old = young;
      young = new Map();
      youngSize = 0;
    }
    young.set(text, entry);
    youngSize += entry.size;
  };

  return {
    get(text) {
      const entry = young.get(text);
      if (entry !== undefined) return entry.value;
      const before = old.get(text);
      if (before !== undefined) add(text, before);
      return before?.value;
    },
    set(text, value, size) {
      if (size * 10 <= mostSize) add(text, { value, size });
    },
  };
}
