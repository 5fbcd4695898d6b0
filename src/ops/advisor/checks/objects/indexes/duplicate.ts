import type { Check, Finding, Remedy } from '../../../types.ts';
import { spoken } from '../names.ts';
import { columnsOf, type IndexDetails } from './catalog.ts';
import { dropConstraint, dropIndex, type IndexDefinition } from './definitions.ts';
import { beginning, bucketOf, carries, isNeeded } from './keys.ts';
import { judgeRedundancy, type Redundant, redundancyOf } from './redundant.ts';

/** Indexes whose every use another index of the same table serves, each with that one. Never two that would need each other. */
export function duplicates(indexes: readonly IndexDetails[]): Redundant[] {
  const usable = indexes.filter(({ valid, ready }) => valid && ready);
  return [...Map.groupBy(usable, bucketOf).values()].flatMap(duplicatesAmong);
}

function duplicatesAmong(bucket: readonly IndexDetails[]): Redundant[] {
  const found: Redundant[] = [];
  const kept: IndexDetails[] = [];
  for (const index of bucket.toSorted(byWorth)) {
    const keep = kept.find((candidate) => replaces(candidate, index));
    if (keep) found.push({ drop: index, keep });
    else kept.push(index);
  }
  return found;
}

/** What is needed comes first, then what can do more, then what is used more; at last by name, so that answers are stable. */
function byWorth(a: IndexDetails, b: IndexDetails): number {
  const worth = (index: IndexDetails): number[] => [
    Number(isNeeded(index)),
    Number(index.constraintType === 'p'),
    Number(index.referenced || index.replicaIdentity),
    Number(index.parentOid !== null),
    Number(index.unique),
    index.columns.length,
    Number(index.clustered),
    index.scans,
  ];
  const [left, right] = [worth(a), worth(b)];
  const different = left.findIndex((value, position) => value !== right[position]);
  return different < 0 ? a.name.localeCompare(b.name) : (right[different] ?? 0) - (left[different] ?? 0);
}

/** Whether `keep` does all that `index` does: same keys in the same order, what it includes, and its uniqueness. */
function replaces(keep: IndexDetails, index: IndexDetails): boolean {
  if (index.parentOid !== null || (isNeeded(index) && !isSecondConstraint(index, keep))) return false;
  if (keep.partitioned !== index.partitioned || keep.keyCount !== index.keyCount) return false;
  if (index.unique && !(keep.unique && keep.immediate && isSameForNulls(keep, index))) return false;
  return beginning(index, keep) === 'same' && carries(keep, index);
}

function isSameForNulls(keep: IndexDetails, index: IndexDetails): boolean {
  return keep.constraintType === 'p' || keep.nullsNotDistinct === index.nullsNotDistinct;
}

/** A unique constraint that says once more what another one, or the primary key, says. */
function isSecondConstraint(index: IndexDetails, keep: IndexDetails): boolean {
  return (
    index.constraintType === 'u' &&
    !index.referenced &&
    !index.replicaIdentity &&
    (keep.constraintType === 'p' || keep.constraintType === 'u')
  );
}

export const duplicateIndex: Check = {
  id: 'duplicate-index',
  title: 'Duplicate indexes',
  documentation: `
    Speaks up when an index does nothing that another index of the same table does not do as well: the same access method, key
    columns and expressions in the same order, operator classes, collations, sort options and predicate, and at most the
    included columns of the other. An index that enforces uniqueness is a duplicate only of one that enforces the same.

    The one to keep is the one that a constraint, a foreign key or the replica identity needs, else the one that can do more or is
    used more. Indexes that are invalid count for neither side. Warning; the fix drops the duplicate concurrently, the undo makes
    it anew from its definition. A unique constraint that repeats another, or the primary key, a person has to drop.

    Source: \`pg_index\`, \`pg_opclass\`, \`pg_constraint\`.
  `,
  run: (context) => judgeRedundancy(context, { find: duplicates, describe, fine: 'No index repeats another' }),
};

function describe({ drop, keep }: Redundant, definition: IndexDefinition | undefined): Finding {
  const table = spoken({ schema: drop.schema, name: drop.table });
  return {
    ...redundancyOf(duplicateIndex.id, { drop, keep }),
    severity: 'warning',
    title: `The index ${spoken(drop)} ${columnsOf(drop)} on ${table} does nothing that ${spoken(keep)} does not do`,
    explanation:
      `Both are kept up to date by every write, both take space and memory, and only one is of use. ` +
      `${spoken(keep)} is kept because ${reason(keep, drop)}.`,
    remedy: remedyFor(drop, keep, definition),
  };
}

function remedyFor(drop: IndexDetails, keep: IndexDetails, definition: IndexDefinition | undefined): Remedy | null {
  const clustered = drop.clustered ? ' CLUSTER goes by it; it would have to be told another.' : '';
  const riskDetail = `Plans that used it use ${spoken(keep)} instead.${clustered}`;
  return drop.constraint === null
    ? dropIndex(drop, definition, { risk: 'low', riskDetail })
    : dropConstraint(drop, drop.constraint, definition, riskDetail);
}

/** Why one is kept rather than the other. */
function reason(keep: IndexDetails, drop: IndexDetails): string {
  if (keep.constraint !== null) return `the constraint ${keep.constraint} needs it`;
  if (keep.referenced) return 'foreign keys rest on it';
  if (keep.replicaIdentity) return 'it is the replica identity of the table';
  if (keep.parentOid !== null) return 'it is part of the index of the partitioned table';
  if (keep.unique && !drop.unique) return 'it enforces uniqueness';
  if (keep.columns.length > drop.columns.length) return 'it includes more columns';
  if (keep.clustered) return 'CLUSTER goes by it';
  return keep.scans > drop.scans ? 'it is used more' : 'there is no difference between them';
}
