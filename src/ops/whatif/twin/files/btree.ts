import { blockSize, sealPage } from './page.ts';

/** Page header; then, on the first page, `BTMetaPageData`. */
const headerSize = 24;
const specialSize = 16;
const metaRoot = headerSize + 8;
const metaLevel = headerSize + 12;
const metaFastRoot = headerSize + 16;
const metaFastLevel = headerSize + 20;

const leafFlag = 1;
const rootFlag = 2;
const layoutVersion = 4;
const pivotFlag = 0x2000;

/** Pages that the tree of a height takes: the metapage, and one for each level. */
export function pagesOfTree(height: number): number {
  return height + 2;
}

/**
 * Turns the metapage of an empty B-tree into the first pages of one with `height` levels above its leaves, still without a row. The
 * planner reads the height; and where it looks for the smallest or greatest value, it finds an empty leaf.
 * @param metapage the first page as CREATE INDEX wrote it.
 */
export function treeOfHeight(metapage: Buffer, height: number): Buffer {
  const meta = Buffer.from(metapage.subarray(0, blockSize));
  meta.writeUInt32LE(1, metaRoot);
  meta.writeUInt32LE(height, metaLevel);
  meta.writeUInt32LE(1, metaFastRoot);
  meta.writeUInt32LE(height, metaFastLevel);
  sealPage(meta, 0);
  const levels = Array.from({ length: height + 1 }, (_, index) => {
    const level = height - index;
    const page = treePage(level, (level === 0 ? leafFlag : 0) | (index === 0 ? rootFlag : 0), index + 2);
    sealPage(page, index + 1);
    return page;
  });
  return Buffer.concat([meta, ...levels]);
}

/** A page that is the only one of its level; above the leaves it leads to the block `child`. */
function treePage(level: number, flags: number, child: number): Buffer {
  const page = Buffer.alloc(blockSize);
  const special = blockSize - specialSize;
  const pointerSize = level > 0 ? 4 : 0;
  const tuple = level > 0 ? special - 8 : special;
  page.writeUInt16LE(headerSize + pointerSize, 12);
  page.writeUInt16LE(tuple, 14);
  page.writeUInt16LE(special, 16);
  page.writeUInt16LE(blockSize | layoutVersion, 18);
  if (level > 0) {
    // Line pointer: offset, flags "in use", length. Then the tuple: where it leads to, no key, its length.
    page.writeUInt32LE((tuple | (1 << 15) | (8 << 17)) >>> 0, headerSize);
    page.writeUInt16LE(child >>> 16, tuple);
    page.writeUInt16LE(child & 0xffff, tuple + 2);
    page.writeUInt16LE(8 | pivotFlag, tuple + 6);
  }
  page.writeUInt32LE(level, special + 8);
  page.writeUInt16LE(flags, special + 12);
  return page;
}
