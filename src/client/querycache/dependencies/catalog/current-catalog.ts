import { type Catalog, readCatalog } from './catalog.ts';
import type { CatalogReader } from './reading.ts';

/** The catalog as it is now: read when it is first asked for, and anew after definitions have changed. */
export interface CurrentCatalog {
  /** What is known, at once; `undefined` when it must be read first. */
  known(): Catalog | undefined;
  /** The catalog as of this call or later. One reading for all that ask meanwhile. Rejects with what reading throws; the next call tries again. */
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
    for (;;) {
      const began = generation;
      const catalog = await withReader(readCatalog);
      if (began !== generation) continue;
      known = catalog;
      return catalog;
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
