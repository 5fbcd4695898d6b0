import { type Catalog, readCatalog } from './catalog.ts';
import type { CatalogReader } from './reading.ts';

/** How often a reading is begun anew because definitions changed meanwhile. */
const mostAttempts = 3;

/** The catalog as it is now: read when it is first asked for, and anew after definitions have changed. */
export interface CurrentCatalog {
  /** What is known, at once; `undefined` when it must be read first. */
  known(): Catalog | undefined;
  /**
   * Reads the catalog unless it is known; one reading for all that ask meanwhile. While definitions change faster than they can be
   * read, it stays unknown. Rejects with what reading throws; the next call tries again.
   */
  read(): Promise<Catalog>;
  /** Definitions have changed, or may have: what is known is void, and so is a reading under way. */
  invalidate(): void;
}

/** @param withReader lends a connection on which nothing else runs, and takes it back when the work is done. */
export function currentCatalog(
  withReader: <Result>(work: (reader: CatalogReader) => Promise<Result>) => Promise<Result>,
): CurrentCatalog {
  let known: Catalog | undefined;
  let reading: Promise<Catalog> | undefined;
  let generation = 0;

  const readNow = async (): Promise<Catalog> => {
    for (let attempt = 1; ; attempt++) {
      const began = generation;
      const catalog = await withReader(readCatalog);
      if (began === generation) known = catalog;
      if (known || attempt === mostAttempts) return catalog;
    }
  };

  return {
    known: () => known,
    read() {
      if (known) return Promise.resolve(known);
      reading ??= readNow().finally(() => (reading = undefined));
      return reading;
    },
    invalidate() {
      generation += 1;
      known = undefined;
    },
  };
}
