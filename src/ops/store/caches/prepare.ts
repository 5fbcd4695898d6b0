import type { ClientBase } from 'pg';
import { otherName, wholeName } from '../applications/limits.ts';
import type { ApplicationNames } from '../applications/names.ts';
import {
  amount,
  entryOf,
  inOrder,
  type PreparedCache,
  type PreparedReport,
  type RowKey,
  timeOf,
} from '../applications/prepared.ts';
import { cacheFields, families, zeroCache } from '../families.ts';
import { addRow, emptyRows, type FamilyRows } from '../write/rows.ts';
import type { CacheCounters, CachePart, CacheReport } from './types.ts';

/** Resolves the names of caches and their parts to numbers, and says when those that should be moved on were last seen. */
export async function prepareCaches(
  client: ClientBase,
  names: ApplicationNames,
  reports: readonly PreparedReport[],
): Promise<{ seenCaches: Map<number, number>; seenParts: Map<number, number> }> {
  const told = reports.flatMap((prepared) => prepared.received.report.caches.map((cache) => ({ prepared, cache })));
  const caches = await names.caches(
    client,
    told.map(({ prepared, cache }) => ({
      applicationId: prepared.applicationId,
      name: cache.name,
      kind: cache.kind,
      at: prepared.received.at.getTime(),
    })),
  );
  const found = told.flatMap(({ prepared, cache }, index) => {
    const made: PreparedCache = { id: caches.ids[index] ?? 0, cache, parts: [] };
    prepared.caches.push(made);
    return partsOf(cache).map((part) => ({ prepared, made, part }));
  });
  const numbers = await names.cacheParts(
    client,
    found.map(({ prepared, made, part }) => ({
      cacheId: made.id,
      kind: part.kind,
      name: part.name,
      at: prepared.received.at.getTime(),
    })),
  );
  for (const [index, { made, part }] of found.entries()) made.parts.push({ id: numbers.ids[index] ?? 0, part });
  return { seenCaches: caches.stale, seenParts: numbers.stale };
}

function partsOf(cache: CacheReport): CachePart[] {
  const { tiers, misses, staleHits, loads, loadErrors, loadMs, invalidations, refused, bypasses, groups } = cache;
  const counted = (kind: CachePart['kind'], record: Readonly<Record<string, number>>): CachePart[] =>
    Object.entries(record).map(([name, count]) => partOf(kind, name, { count }));
  return [
    partOf('whole', wholeName, {
      hits: tiers.reduce((sum, { hits }) => sum + hits, 0),
      evictions: tiers.reduce((sum, { evictions }) => sum + evictions, 0),
      refused: Object.values(refused).reduce((sum, count) => sum + count, 0),
      count: Object.values(invalidations).reduce((sum, count) => sum + count, 0),
      misses,
      staleHits,
      loads,
      loadErrors,
      loadUs: loadMs * 1000,
    }),
    ...tiers.map(({ name, hits, lookups, misses: empty, lookupMs, evictions, unreadable, refused: given }) =>
      partOf('tier', name, {
        hits,
        lookups,
        misses: empty,
        lookupUs: lookupMs * 1000,
        evictions,
        unreadable,
        refused: given,
      }),
    ),
    ...groups.map(({ group, hits, misses: empty }) => partOf('group', group, { hits, misses: empty })),
    ...counted('invalidation', invalidations),
    ...counted('refused', refused),
    ...counted('bypass', bypasses),
  ];
}

function partOf(kind: CachePart['kind'], name: string, counters: Partial<CacheCounters>): CachePart {
  const made: CachePart = { ...zeroCache, kind, name: kind === 'whole' ? name : name.trim() || otherName };
  for (const field of cacheFields) made[field] = amount(counters[field] ?? 0);
  return made;
}

/** Rows of all reports together, one for each part in each piece of time, and what each adds to its totals. */
export function rowsOfCaches(reports: readonly PreparedReport[]): {
  rows: FamilyRows;
  additions: Map<number, CacheCounters>;
} {
  const sums = new Map<string, CacheCounters & { row: RowKey; isWhole: boolean }>();
  const additions = new Map<number, CacheCounters>();
  for (const { received, caches } of reports) {
    for (const { id, part: told } of caches.flatMap(({ parts }) => parts)) {
      const row = { targetId: received.targetId, id, at: timeOf(received, 'cache') };
      add(
        entryOf(sums, `${id}/${row.at}`, () => ({ ...zeroCache, row, isWhole: told.kind === 'whole' })),
        told,
      );
      if (told.kind === 'group') continue;
      add(
        entryOf(additions, id, () => ({ ...zeroCache })),
        told,
      );
    }
  }
  const rows = emptyRows(families.cache);
  for (const { row, isWhole, ...sum } of inOrder(sums)) {
    const values = cacheFields.map((field) => sum[field]);
    // That a cache is at rest is told by the whole.
    if (isWhole || values.some((value) => value > 0)) addRow(rows, row.targetId, row.id, row.at, values);
  }
  return { rows, additions };
}

function add(sum: CacheCounters, more: CacheCounters): void {
  for (const field of cacheFields) sum[field] += more[field];
}
