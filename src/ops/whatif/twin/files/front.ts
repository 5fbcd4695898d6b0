import { treeOfHeight } from './btree.ts';
import { sealPage } from './page.ts';

/** What of an index's size the planner reads from its first page. */
export interface FrontSize {
  height: number;
  tablePages: number;
}

const brinPagesPerRange = 32;
const brinLastMapPage = 36;
const rangesPerMapPage = 1360;

/** What to make of the first page of an index: a function for `extendSparsely`, where the planner looks at it. */
export function frontPages(
  method: string,
  { height, tablePages }: FrontSize,
): ((first: Buffer) => Buffer | undefined) | undefined {
  if (method === 'btree') return height > 0 ? (first) => treeOfHeight(first, height) : undefined;
  if (method !== 'brin') return undefined;
  return (first) => {
    const meta = Buffer.from(first);
    const ranges = Math.max(1, Math.ceil(tablePages / Math.max(1, meta.readUInt32LE(brinPagesPerRange))));
    meta.writeUInt32LE(Math.ceil(ranges / rangesPerMapPage), brinLastMapPage);
    sealPage(meta, 0);
    return meta;
  };
}
