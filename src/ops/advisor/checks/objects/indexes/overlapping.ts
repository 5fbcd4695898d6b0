import { bytes } from '../../../../words/index.ts';
import type { Check, Finding } from '../../../types.ts';
import { spoken } from '../names.ts';
import { columnsOf, type IndexDetails } from './catalog.ts';
import { dropIndex, type IndexDefinition } from './definitions.ts';
import { duplicates } from './duplicate.ts';
import { beginning, bucketOf, carries, isNeeded } from './keys.ts';
import { judgeRedundancy, type Redundant, redundancyOf } from './redundant.ts';

/** An index that is so many times larger is slower to read: the narrow one may be worth its place. */
const muchLarger = 3;

/** B-trees that begin another one, each with the smallest that it begins. */
function overlapping(indexes: readonly IndexDetails[]): Redundant[] {
  const repeated = new Set(duplicates(indexes).map(({ drop }) => drop.oid));
  const usable = indexes.filter(
    ({ valid, ready, method, oid }) => valid && ready && method === 'btree' && !repeated.has(oid),
  );
  return [...Map.groupBy(usable, bucketOf).values()].flatMap((bucket) => {
    const gone = new Set<number>();
    return bucket
      .toSorted((a, b) => a.keyCount - b.keyCount || Number(b.partitioned) - Number(a.partitioned))
      .flatMap((drop) => {
        const keep = bucket
          .filter((wide) => !gone.has(wide.oid) && extendsIndex(wide, drop))
          .toSorted((a, b) => a.bytes - b.bytes || a.keyCount - b.keyCount)[0];
        if (!keep) return [];
        gone.add(drop.oid);
        return [{ drop, keep }];
      });
  });
}

/** Whether `wide` finds and orders all that `index` does, by its first keys. */
function extendsIndex(wide: IndexDetails, index: IndexDetails): boolean {
  if (wide.oid === index.oid || wide.partitioned !== index.partitioned) return false;
  if (index.unique || isNeeded(index) || index.parentOid !== null) return false;
  const how = beginning(index, wide);
  // Of equal length and in the same order it is a duplicate, or more than one.
  if (how === undefined || (how === 'same' && wide.keyCount === index.keyCount)) return false;
  return carries(wide, index);
}

export const overlappingIndex: Check = {
  id: 'overlapping-index',
  title: 'Indexes that begin another',
  documentation: `
    Speaks up when a B-tree's keys are the first keys of another B-tree of the same table, with the same predicate, operator classes
    and collations, in the same order or wholly reversed (a B-tree is read backwards as well), and the other carries its
    included columns too. The longer index then finds the same rows. It must be valid. Indexes that enforce uniqueness, that a
    constraint or foreign key needs, or that are the replica identity, are never spoken of.

    Warning; info when the longer index is more than 3 times as large, because then the short one is quicker to read and stays in
    memory more easily. The fix drops the short one concurrently, the undo makes it anew.

    Source: \`pg_index\`, \`pg_opclass\`; \`relpages\` of \`pg_class\`.
  `,
  run: (context) =>
    judgeRedundancy(context, { find: overlapping, describe, fine: 'No index is the beginning of another' }),
};

function describe({ drop, keep }: Redundant, definition: IndexDefinition | undefined): Finding {
  const table = spoken({ schema: drop.schema, name: drop.table });
  const backwards = beginning(drop, keep) === 'backwards' ? ', read backwards' : '';
  const larger = keep.bytes > muchLarger * drop.bytes;
  const caution = larger
    ? ` But ${spoken(keep)} is ${bytes(keep.bytes)} and this one ${bytes(drop.bytes)}: scans that read many rows of it would read more.`
    : '';
  return {
    ...redundancyOf(overlappingIndex.id, { drop, keep }),
    severity: larger ? 'info' : 'warning',
    title: `The index ${spoken(drop)} ${columnsOf(drop)} on ${table} is the beginning of ${spoken(keep)} ${columnsOf(keep)}${backwards}`,
    explanation: `What the shorter index finds, the longer one finds too; both are kept up to date by every write.${caution}`,
    remedy: dropIndex(drop, definition, {
      risk: larger ? 'medium' : 'low',
      riskDetail: `Plans that used it use ${spoken(keep)} instead, which is ${(keep.bytes / Math.max(drop.bytes, 1)).toFixed(1)} times as large.`,
    }),
  };
}
