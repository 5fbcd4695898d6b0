import { z } from '@hono/zod-openapi';
import { shownFrom, timestamp } from './common.ts';

const share = z.number().nullable();

const cacheTier = z
  .object({
    name: z.string(),
    hits: z.number(),
    share: share.openapi({ description: 'Of all that the cache was asked, what this tier answered.' }),
    hitRatio: share.openapi({ description: 'Of what this tier was asked, what it answered.' }),
    misses: z.number(),
    meanMs: z.number().nullable().openapi({ description: 'How long it takes to ask it; memory is not measured.' }),
    evictions: z.number(),
    unreadable: z.number().openapi({ description: 'Entries that were damaged, or written by something else.' }),
    refused: z.number().openapi({ description: 'Entries that were invalidated while they were loaded.' }),
    entries: z.number().nullable().openapi({ description: 'Now, in all processes; of a tier that they share, once.' }),
    bytes: z.number().nullable(),
    away: z.number().int().openapi({ description: 'Processes that cannot reach it now.' }),
  })
  .openapi('CacheTier');

const cacheStream = z
  .object({
    instance: z.string(),
    truth: z
      .enum(['stream', 'triggers', 'own writes', 'off'])
      .openapi({ description: 'How it learns of changes in the database.' }),
    state: z.string(),
    reason: z.string().nullable(),
    lagMs: z.number().nullable(),
    leader: z.boolean().openapi({ description: 'It reads the stream for the others.' }),
  })
  .openapi('CacheStream');
export type CacheStream = z.infer<typeof cacheStream>;

const causes = z.array(z.object({ name: z.string(), count: z.number() }));

const cache = z
  .object({
    application: z.string(),
    name: z.string(),
    kind: z.enum(['values', 'queries']),
    firstSeen: timestamp,
    lastSeen: timestamp,
    processes: z.number().int().openapi({ description: 'That report it now.' }),
    requests: z.number(),
    requestsPerSecond: z.number().nullable(),
    hitRatio: share.openapi({ description: 'Hits of all tiers and stale answers, of all that was asked.' }),
    hits: z.number(),
    staleHits: z.number().openapi({ description: 'Answers that had gone stale.' }),
    misses: z.number(),
    loads: z.number(),
    loadErrors: z.number(),
    meanLoadMs: z.number().nullable(),
    evictions: z.number(),
    tiers: z.array(cacheTier).openapi({ description: 'In the order in which they are asked.' }),
    invalidations: causes.openapi({ description: 'By cause.' }),
    refused: causes.openapi({ description: 'Fills that were not kept, by reason.' }),
    bypasses: causes.openapi({ description: 'Statements that went past the cache, by reason.' }),
    groups: z
      .array(z.object({ name: z.string(), hits: z.number(), misses: z.number(), hitRatio: share }))
      .openapi({ description: 'By the first part of keys, or by table; the busiest first, 100 at most.' }),
    streams: z
      .array(cacheStream)
      .openapi({ description: 'Of live processes: leaders, then the furthest behind; 20 at most.' }),
    warmers: z.array(z.string()),
  })
  .openapi('Cache');
export type Cache = z.infer<typeof cache>;

const column = z.array(z.number().nullable());
const causeCourses = z.array(z.object({ name: z.string(), perSecond: column }));

const cacheCourse = z
  .object({
    at: z.array(z.number()),
    requestsPerSecond: column,
    missesPerSecond: column,
    staleHitsPerSecond: column,
    hitRatio: column,
    loadsPerSecond: column,
    loadErrorsPerSecond: column,
    meanLoadMs: column,
    tiers: z.array(
      z.object({
        name: z.string(),
        hitsPerSecond: column,
        share: column,
        meanMs: column,
        evictionsPerSecond: column,
        entries: column,
        bytes: column,
      }),
    ),
    invalidations: causeCourses,
    refused: causeCourses,
    bypasses: causeCourses,
    lagMs: column.openapi({ description: 'How far the process that is furthest behind is behind.' }),
  })
  .openapi('CacheCourse');
export type CacheCourse = z.infer<typeof cacheCourse>;

export const cacheStats = z
  .object({
    database: z.string(),
    from: shownFrom,
    to: timestamp,
    step: z.number().nullable().openapi({ description: 'Width of a point in seconds; null where there is no course.' }),
    actionsEnabled: z.boolean(),
    caches: z.array(cache),
    course: cacheCourse.nullable().openapi({ description: 'Where `application` and `cache` are both given.' }),
  })
  .openapi('CacheStats');
export type CacheStats = z.infer<typeof cacheStats>;

const step = z.object({
  application: z.string(),
  cache: z.string(),
  instance: z.string(),
  state: z.enum(['done', 'failed', 'waiting', 'silent']).openapi({
    description: '`silent`: it has not reported lately; it is given the command if it does before that expires.',
  }),
  at: timestamp.nullable(),
  error: z.string().nullable(),
  detail: z.string().nullable(),
});

export const cacheCommand = z
  .object({
    id: z.uuid(),
    database: z.string(),
    action: z.enum(['clear', 'invalidate', 'warm']),
    application: z.string().nullable(),
    cache: z.string().nullable(),
    askedAt: timestamp,
    expiresAt: timestamp.openapi({ description: 'Until then it is given to processes that report.' }),
    finished: z.boolean().openapi({ description: 'No live process is still to do it.' }),
    done: z.number().int(),
    failed: z.number().int(),
    waiting: z.number().int().openapi({ description: 'Live processes that have not told a result.' }),
    silent: z.number().int(),
    processes: z
      .array(step)
      .openapi({ description: 'One for each cache of each process; failures first, 1,000 at most.' }),
  })
  .openapi('CacheCommand');
export type CacheCommand = z.infer<typeof cacheCommand>;
