import { z } from 'zod';

/** The part of a report that tells of caches. Only the daemon loads this file at run time. */

const count = z.int().nonnegative();
const ms = z.number().nonnegative();

/** Counts by cause or reason. */
const counts = z
  .record(z.string().max(50), count)
  .refine((record) => Object.keys(record).length <= 20, { error: 'at most 20 causes are allowed' });

const tier = z.object({
  name: z.string().max(50),
  hits: count,
  lookups: count.default(0),
  misses: count.default(0),
  lookupMs: ms.default(0),
  evictions: count,
  unreadable: count,
  refused: count,
  /** As they are now. */
  entries: z.number().nonnegative().nullable().default(null),
  bytes: z.number().nonnegative().nullable().default(null),
  isAway: z.boolean(),
});

const stream = z.object({
  truth: z.enum(['stream', 'triggers', 'own writes', 'off']),
  state: z.string().max(100),
  reason: z.string().max(300).nullable().default(null),
  lagMs: ms.nullable().default(null),
  leader: z.boolean(),
});

export const cacheReport = z.object({
  name: z.string().min(1).max(100),
  kind: z.enum(['values', 'queries']),
  tiers: z.array(tier).max(8),
  misses: count,
  staleHits: count,
  loads: count,
  loadErrors: count,
  loadMs: ms,
  invalidations: counts,
  refused: counts,
  bypasses: counts.default({}),
  groups: z.array(z.object({ group: z.string().max(100), hits: count, misses: count })).max(100),
  stream: stream.nullable().default(null),
  warmers: z.array(z.string().max(100)).max(20).default([]),
});

export const commandResult = z.object({
  id: z.string().max(100),
  cache: z.string().max(100),
  ok: z.boolean(),
  error: z.string().max(500).nullable().default(null),
  detail: z.string().max(500).nullable().default(null),
});

/** What the answer to a report may ask of the process that sent it. */
export const pendingCommand = z.object({
  id: z.string(),
  cache: z.string(),
  action: z.enum(['clear', 'invalidate', 'warm']),
  keys: z.array(z.string()).optional(),
  tags: z.array(z.string()).optional(),
  patterns: z.array(z.string()).optional(),
  tables: z.array(z.string()).optional(),
  warmer: z.string().optional(),
});

export type CacheReport = z.infer<typeof cacheReport>;
export type PendingCommand = z.infer<typeof pendingCommand>;
export type CommandResult = z.infer<typeof commandResult>;
