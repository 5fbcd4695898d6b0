import { z } from '@hono/zod-openapi';
import { appliedAdvice } from './advice.ts';
import { timestamp, shownFrom } from './common.ts';

const tableSummary = z
  .object({
    schema: z.string(),
    name: z.string(),
    kind: z.string(),
    /** The store's number, for history; null when nothing was recorded yet. */
    id: z.number().int().nullable(),
    estimatedRows: z.number().nullable(),
    liveRows: z.number(),
    deadRows: z.number(),
    deadRatio: z.number().nullable(),
    heapBytes: z.number(),
    indexBytes: z.number(),
    toastBytes: z.number(),
    totalBytes: z.number(),
    growthBytes: z.number().nullable().openapi({ description: 'Change over the range.' }),
    seqScans: z.number(),
    seqRowsRead: z.number(),
    indexScans: z.number(),
    indexRatio: z.number().nullable().openapi({ description: 'Share of scans that used an index.' }),
    inserts: z.number(),
    updates: z.number(),
    deletes: z.number(),
    hotRatio: z.number().nullable(),
    hitRatio: z.number().nullable(),
    lastVacuum: timestamp.nullable(),
    lastAnalyze: timestamp.nullable(),
    modifiedSinceAnalyze: z.number(),
    frozenXidAge: z.number().nullable(),
    remarks: z
      .array(z.string())
      .openapi({ description: 'Plain sentences: "38 % of the rows are dead, never vacuumed".' }),
  })
  .openapi('TableSummary');

export const tables = z
  .object({
    database: z.string(),
    from: timestamp,
    to: timestamp,
    coveredSeconds: z.number(),
    count: z.number().int(),
    totalBytes: z.number(),
    tables: z.array(tableSummary),
  })
  .openapi('Tables');
export type Tables = z.infer<typeof tables>;

const indexSummary = z
  .object({
    name: z.string(),
    bytes: z.number(),
    scans: z.number(),
    rowsRead: z.number(),
    rowsFetched: z.number(),
    hitRatio: z.number().nullable(),
  })
  .openapi('IndexSummary');

const column = z.array(z.number().nullable());

export const tableDetail = z
  .object({
    database: z.string(),
    from: shownFrom,
    to: timestamp,
    step: z.number(),
    table: tableSummary,
    indexes: z.array(indexSummary),
    appliedAdvice,
    series: z.object({
      at: z.array(z.number()),
      seqScansPerSecond: column,
      indexScansPerSecond: column,
      insertsPerSecond: column,
      updatesPerSecond: column,
      deletesPerSecond: column,
      liveRows: column,
      deadRows: column,
      totalBytes: column,
    }),
  })
  .openapi('TableDetail');
export type TableDetail = z.infer<typeof tableDetail>;
