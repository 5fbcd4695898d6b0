export { ClientWrites, mayCommitWithin } from './client-writes.ts';
export type { Footprint } from './footprint.ts';
export { createFootprints, type Footprints } from './footprints.ts';
export { OwnWrites, type OwnWritesOptions, type WriteMark } from './own-writes.ts';
