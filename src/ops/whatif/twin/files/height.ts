import { align } from '../../../sizes/index.ts';
import { blockSize } from './page.ts';

/** Room of a B-tree page between its header and its special space. */
const btreePageRoom = blockSize - 24 - 16;

/** Inner pages are filled to 70 % when an index is built (`BTREE_NONLEAF_FILLFACTOR`). */
const innerFill = 0.7;

/**
 * Levels above the leaves that a B-tree of so many pages has, with keys of about `keyBytes`: each inner page leads to as many as
 * fit, each with its line pointer and header.
 */
export function btreeHeight(pages: number, keyBytes: number): number {
  const perPage = Math.max(2, Math.floor((btreePageRoom * innerFill) / (align(8 + keyBytes, 8) + 4)));
  let height = 0;
  // The metapage is none of the tree's.
  for (let level = Math.max(pages - 1, 1); level > 1; level = Math.ceil(level / perPage)) height += 1;
  return height;
}
