import { align } from '../../../sizes/index.ts';
import { blockSize } from '../files/page.ts';
import type { Elements } from './elements.ts';

const special = 8;
const lineBytes = 4;
/** Header of a key with its list, and of the list: its first row, and its length. */
const entryHeader = 8;
const listHeader = 8;
/** A key with its list takes a third of a page at most (`GinMaxItemSize`); longer lists have pages of their own. */
const largestEntry = 2712;
/** What a page of a list holds, cut into segments of about 256 bytes, each with a header. */
const listRoom = (blockSize - 24 - special - 8) * 0.96;
/** Pages of keys are split in halves as the keys come in order. */
const entryFill = 0.5;
/** When there is more to sort than memory for it, keys come in several rounds and fill pages better. */
const laterFill = 0.69;
const sortMemory = 64 * 1024 ** 2;
/** What a key and a row of its list take there. */
const sortedKey = 90;
const sortedRow = 8;

/**
 * Pages of a GIN index just after CREATE INDEX: each different element with the list of its rows, packed as differences. Sources:
 * `ginpostinglist.c`, `gindatapage.c` and `ginentrypage.c` of PostgreSQL.
 */
export function ginPages(elements: readonly Elements[], tablePages: number, columns: number): number {
  let entryBytes = 0;
  let entries = 0;
  let listPages = 0;
  let memory = 0;
  for (const { values, rows, bytes } of elements) {
    const list = listHeader + Math.max(0, rows - 1) * differenceBytes(rows, tablePages);
    // Where the index has several columns, each key says of which it is.
    const head = entryHeader + (columns > 1 ? 2 : 0) + bytes;
    const inline = align(head + list, 8);
    const ownPages = inline > largestEntry;
    entryBytes += values * ((ownPages ? align(head, 8) : inline) + lineBytes);
    entries += values;
    memory += values * (sortedKey + rows * sortedRow);
    if (ownPages) {
      const pages = Math.ceil(list / listRoom);
      listPages += values * (pages > 1 ? pages + 1 : 1);
    }
  }
  const room = blockSize - 24 - special;
  const fill = memory > 2 * sortMemory ? laterFill : entryFill;
  const leaves = Math.max(1, Math.ceil(entryBytes / (room * fill)));
  const perInner = (room * entryFill) / Math.max(16, entryBytes / Math.max(1, entries));
  const inner = leaves > 1 ? Math.ceil(leaves / Math.max(2, perInner)) : 0;
  return 2 + leaves + inner + Math.ceil(listPages);
}

/**
 * Mean bytes from a row of a list to the next, seven bits in each: one within a page of the table, which counts 2,048; then two up to
 * 8 pages away, three up to 1,024, four up to 131,072. Rows are taken to be anywhere.
 */
function differenceBytes(rows: number, tablePages: number): number {
  const perPage = rows / Math.max(1, tablePages);
  const leaving = -Math.expm1(-perPage) / perPage;
  return 1 + leaving * (1 + Math.exp(-7 * perPage) + Math.exp(-1023 * perPage) + Math.exp(-131_071 * perPage));
}
