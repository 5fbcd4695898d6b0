import type { Check } from '../../types.ts';
import { bloatedIndex } from './indexes/bloated.ts';
import { duplicateIndex } from './indexes/duplicate.ts';
import { invalidIndex } from './indexes/invalid.ts';
import { overlappingIndex } from './indexes/overlapping.ts';
import { unindexedForeignKey } from './indexes/unindexed-foreign-key.ts';
import { unusedIndex } from './indexes/unused.ts';
import { bloatedTable } from './tables/bloated.ts';

/** Checks of indexes, tables, columns and sequences, in the order in which reports show them. */
export const objectChecks: readonly Check[] = Object.freeze([
  unusedIndex,
  duplicateIndex,
  overlappingIndex,
  invalidIndex,
  bloatedIndex,
  unindexedForeignKey,
  bloatedTable,
]);
