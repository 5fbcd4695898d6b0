import type {
  CacheCounters,
  CacheInRange,
  CacheNow,
  CachePart,
  CacheSeriesAnswer,
  CacheState,
  CacheTotal,
} from '../caches/types.ts';
import { isLive } from '../applications/pools.ts';
import { cacheFields, columnName, zeroCache } from '../families.ts';
import { storable } from '../storable.ts';
import type { TimeRange } from '../types.ts';
import { listedMs, type Row } from './applications.ts';
import { bucketNumber, courseOf, Parameters, planReading, segmentRows, stepForTotals } from './range.ts';
import type { Reader } from './reader.ts';

const columns = cacheFields.map(columnName);
const sums = columns.map((name) => `coalesce(sum(rows.${name}), 0) AS ${name}`).join(', ');

function countersOf(row: Row): CacheCounters {
  const counters: CacheCounters = { ...zeroCache };
  for (const field of cacheFields) {
    const value = row[columnName(field)];
    if (typeof value === 'number') counters[field] = value;
  }
  return counters;
}

/** Names of parts are bounded, and so is what is shown of them. */
const mostParts = 100;

type PartRow = Row & Pick<CachePart, 'kind' | 'name'>;

/** Caches that were seen in the range, with what each counted: those asked most first. */
export async function readCaches(
  reader: Reader,
  query: TimeRange & { targetId: number; application?: string | undefined; cache?: string | undefined },
): Promise<CacheInRange[]> {
  const reading = planReading(await reader.progress(), ['cache'], query, stepForTotals(query));
  const parameters = new Parameters();
  const target = parameters.add(query.targetId);
  const segments = segmentRows('cache', reading.segments('cache'), parameters, `target_id = ${target}`);
  const conditions = [
    `application.target_id = ${target}`,
    `cache.last_seen >= ${parameters.add(new Date(reading.from - lagMs))}`,
    `cache.first_seen <= ${parameters.add(new Date(reading.to))}`,
    ...(query.application === undefined ? [] : [`application.name = ${parameters.add(storable(query.application))}`]),
    ...(query.cache === undefined ? [] : [`cache.name = ${parameters.add(storable(query.cache))}`]),
  ];
  const rows = await reader.rows<
    Row & Omit<CacheInRange, 'parts'> & { id: number; part: CachePart['kind'] | null; part_name: string | null }
  >(
    `
     WITH totals AS (
       SELECT   id AS part_id, ${sums}
       FROM     (${segments}) AS rows
       GROUP BY 1
     ), parts AS (
       SELECT cache_id, part.kind AS part, part.name AS part_name, ${columns.map((name) => `totals.${name}`).join(', ')},
              row_number() OVER (
                PARTITION BY cache_id, part.kind
                ORDER BY totals.hits + totals.misses + totals.count DESC, part.name
              ) AS place
       FROM   totals
       JOIN   pitcrew.cache_part AS part ON part.id = part_id
     )
     SELECT   cache.id, application.name AS application, cache.name, cache.kind,
              cache.first_seen AS "firstSeen", cache.last_seen AS "lastSeen",
              part, part_name, ${columns.map((name) => `parts.${name}`).join(', ')}
     FROM     pitcrew.cache
     JOIN     pitcrew.application ON application.id = cache.application_id
     LEFT     JOIN parts ON parts.cache_id = cache.id AND place <= ${mostParts}
     WHERE    ${conditions.join(' AND ')}
     ORDER BY application.name, cache.name, part, place`,
    parameters.values,
  );
  return [...Map.groupBy(rows, ({ id }) => id).values()].flatMap((ofCache) => {
    const [first] = ofCache;
    if (!first) return [];
    const { application, name, kind, firstSeen, lastSeen } = first;
    const parts = ofCache.flatMap((row) =>
      row.part === null ? [] : [{ kind: row.part, name: row.part_name ?? '', ...countersOf(row) }],
    );
    return [{ application, name, kind, firstSeen, lastSeen, parts }];
  });
}

/** `last_seen` is brought up to date only now and then. */
const lagMs = 60_000;

/** The course of a cache: of the whole, its tiers, and what invalidated it or kept it from being filled. */
export async function readCacheSeries(
  reader: Reader,
  query: TimeRange & { targetId: number; application: string; cache: string; step: number },
): Promise<CacheSeriesAnswer> {
  const reading = planReading(await reader.progress(), ['cache'], query, query.step);
  const parameters = new Parameters();
  const target = parameters.add(query.targetId);
  const condition = `target_id = ${target} AND cache_part_id IN (
    SELECT part.id
    FROM   pitcrew.cache_part AS part
    JOIN   pitcrew.cache ON cache.id = part.cache_id
    JOIN   pitcrew.application ON application.id = cache.application_id
    WHERE  application.target_id = ${target}
    AND    application.name = ${parameters.add(storable(query.application))}
    AND    cache.name = ${parameters.add(storable(query.cache))}
    AND    part.kind <> 'group')`;
  const segments = segmentRows('cache', reading.segments('cache'), parameters, condition);
  const bucket = bucketNumber(reading, parameters);
  const rows = await reader.rows<PartRow & { bucket: number }>(
    `
     WITH buckets AS (
       SELECT   ${bucket} AS bucket, id, ${sums}
       FROM     (${segments}) AS rows
       GROUP BY 1, 2
     )
     SELECT   kind, name, buckets.*
     FROM     buckets
     JOIN     (SELECT id, kind, name FROM pitcrew.cache_part) AS part USING (id)
     ORDER BY bucket, kind, name`,
    parameters.values,
  );
  return courseOf(reading, rows, (row) => ({ kind: row.kind, name: row.name, ...countersOf(row) }));
}

/** Caches of processes that have reported lately. */
export async function readCachesNow(
  reader: Reader,
  { targetId, now }: { targetId: number; now: Date },
): Promise<CacheNow[]> {
  const rows = await reader.rows<
    Omit<CacheNow, 'instances'> & { id: number; instance: string; seenAt: Date; seconds: number; state: CacheState }
  >(
    `
     SELECT   cache.id, application.name AS application, cache.name, cache.kind,
              told.instance, told.seen_at AS "seenAt", told.seconds, told.state
     FROM     pitcrew.cache_instance AS told
     JOIN     pitcrew.cache ON cache.id = told.cache_id
     JOIN     pitcrew.application ON application.id = told.application_id
     WHERE    application.target_id = $1 AND told.seen_at > $2
     ORDER BY application.name, cache.name, told.instance`,
    [targetId, new Date(now.getTime() - 30 * 60_000)],
  );
  const live = rows.filter(({ seenAt, seconds }) => isLive({ seenAt: seenAt.getTime(), seconds }, now.getTime()));
  return [...Map.groupBy(live, ({ id }) => id).values()].flatMap((ofCache) => {
    const [first] = ofCache;
    if (!first) return [];
    const instances = ofCache.map(({ instance, seenAt, state }) => ({ ...state, instance, seenAt }));
    return [{ application: first.application, name: first.name, kind: first.kind, instances }];
  });
}

/** What caches have counted since they were first seen. */
export async function readCacheTotals(
  reader: Reader,
  { targetId, now }: { targetId: number; now: Date },
): Promise<CacheTotal[]> {
  const rows = await reader.rows<Row & Pick<CacheTotal, 'application' | 'cache' | 'kind' | 'name'>>(
    `
     SELECT   application.name AS application, cache.name AS cache, part.kind, part.name,
              ${columns.map((name) => `part.${name}`).join(', ')}
     FROM     pitcrew.cache_part AS part
     JOIN     pitcrew.cache ON cache.id = part.cache_id
     JOIN     pitcrew.application ON application.id = cache.application_id
     WHERE    application.target_id = $1 AND application.last_seen > $2 AND part.kind <> 'group'
     ORDER BY 1, 2, 3, 4`,
    [targetId, new Date(now.getTime() - listedMs)],
  );
  return rows.map((row) => ({
    application: row.application,
    cache: row.cache,
    kind: row.kind,
    name: row.name,
    ...countersOf(row),
  }));
}
