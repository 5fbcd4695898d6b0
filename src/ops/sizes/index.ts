export { btreeBounds, type BtreeInput, type BtreeSize, btreeSize, type PageBounds } from './btree.ts';
export { boundsSql, distinctOf, type SizedColumn, widthOf, widthsSql } from './column.ts';
export { keyGroups } from './groups.ts';
export { powerTail } from './values.ts';
export { align, indexTupleWidth, tupleWidth } from './tuple-width.ts';
