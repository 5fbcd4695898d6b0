import type { Check } from '../../types.ts';
import { columnType } from './columns/column-type.ts';
import { extendedStatistics } from './columns/extended-statistics.ts';
import { integerKeys } from './columns/integer-keys.ts';
import { sequenceExhaustion } from './columns/sequence-exhaustion.ts';
import { statisticsTarget } from './columns/statistics-target.ts';
import { bloatedIndex } from './indexes/bloated.ts';
import { duplicateIndex } from './indexes/duplicate.ts';
import { invalidIndex } from './indexes/invalid.ts';
import { overlappingIndex } from './indexes/overlapping.ts';
import { unindexedForeignKey } from './indexes/unindexed-foreign-key.ts';
import { unusedIndex } from './indexes/unused.ts';
import { bloatedTable } from './tables/bloated.ts';
import { freezeAge } from './tables/freeze-age.ts';
import { noPrimaryKey } from './tables/no-primary-key.ts';
import { partitionCandidate } from './tables/partition-candidate.ts';
import { staleStatistics } from './tables/stale-statistics.ts';
import { vacuumBehind } from './tables/vacuum-behind.ts';

/** Checks of indexes, tables, columns and sequences, in the order in which reports show them. */
export const objectChecks: readonly Check[] = Object.freeze([
  sequenceExhaustion,
  integerKeys,
  invalidIndex,
  unindexedForeignKey,
  duplicateIndex,
  overlappingIndex,
  unusedIndex,
  bloatedIndex,
  noPrimaryKey,
  freezeAge,
  vacuumBehind,
  bloatedTable,
  staleStatistics,
  extendedStatistics,
  statisticsTarget,
  columnType,
  partitionCandidate,
]);
