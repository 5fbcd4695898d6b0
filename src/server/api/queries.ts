import { z } from '@hono/zod-openapi';
import { appliedAdvice } from './advice.ts';
import { applicationFigures, callers } from './applications.ts';
import { shownFrom, spark, timestamp } from './common.ts';
import { planCourse, planFinding, planNode, rewrite } from './plans.ts';

/** A statement with what it did in the time range. Times in ms, blocks in blocks of the server's block size. */
export const statementSummary = z
  .object({
    id: z.number().int(),
    queryId: z.string(),
    database: z.string(),
    user: z.string(),
    toplevel: z.boolean(),
    text: z.string().nullable().openapi({ description: 'null: not readable for us.' }),
    own: z.boolean(),
    calls: z.number(),
    callsPerSecond: z.number().nullable(),
    rows: z.number(),
    totalMs: z.number(),
    meanMs: z.number().nullable(),
    deviationMs: z.number().nullable(),
    /** Share of the execution time of all statements in the range, 0–1. */
    share: z.number(),
    hitRatio: z.number().nullable(),
    sharedRead: z.number(),
    tempWritten: z.number(),
    walBytes: z.number(),
    slow: z.boolean(),
    fingerprint: z
      .string()
      .nullable()
      .openapi({ description: 'By it statements are joined with what applications report.' }),
    application: applicationFigures.nullable().openapi({
      description: 'As applications measured this statement, whichever role ran it; null: none reports it.',
    }),
    spark: spark.openapi({ description: 'Execution time in ms per second, over the range.' }),
  })
  .openapi('StatementSummary');
export type StatementSummary = z.infer<typeof statementSummary>;

const statementList = z.object({
  database: z.string(),
  from: timestamp,
  to: timestamp,
  coveredSeconds: z.number(),
  count: z.number().int(),
  facets: z
    .object({ users: z.array(z.string()), databases: z.array(z.string()) })
    .openapi({ description: 'What statements of the range can be filtered by, whatever the filters are.' }),
  statements: z.array(statementSummary),
});

export const slowQueries = statementList.extend({ thresholdMs: z.number() }).openapi('SlowQueries');
export type SlowQueries = z.infer<typeof slowQueries>;

export const queryAnalysis = statementList
  .extend({
    totals: z.object({
      calls: z.number(),
      rows: z.number(),
      totalMs: z.number(),
      meanMs: z.number().nullable(),
      slowCalls: z.number(),
      sharedRead: z.number(),
      sharedHit: z.number(),
      tempWritten: z.number(),
      walBytes: z.number(),
    }),
    ownCost: z.object({
      calls: z.number(),
      totalMs: z.number(),
      msPerSecond: z.number().nullable(),
      tempWritten: z.number(),
    }),
  })
  .openapi('QueryAnalysis');
export type QueryAnalysis = z.infer<typeof queryAnalysis>;

/** Statements of one shape: the same after literals, IN lists and white space are folded. */
const queryPattern = z
  .object({
    pattern: z.string(),
    kind: z.enum(['select', 'insert', 'update', 'delete', 'merge', 'ddl', 'utility', 'other']),
    tables: z.array(z.string()),
    statements: z.array(z.number().int()).openapi({ description: 'Ids of the statements in it.' }),
    calls: z.number(),
    totalMs: z.number(),
    meanMs: z.number().nullable(),
    rows: z.number(),
    share: z.number(),
    trend: z
      .object({
        direction: z.enum(['faster', 'slower', 'steady', 'new', 'gone', 'unknown']),
        meanChange: z
          .number()
          .nullable()
          .openapi({ description: 'Relative change of the mean against the range before.' }),
        callsChange: z.number().nullable(),
      })
      .openapi({ description: 'Against the range of the same length before.' }),
    spark,
  })
  .openapi('QueryPattern');

export const queryPatterns = z
  .object({
    database: z.string(),
    from: timestamp,
    to: timestamp,
    coveredSeconds: z.number(),
    patterns: z.array(queryPattern),
  })
  .openapi('QueryPatterns');
export type QueryPatterns = z.infer<typeof queryPatterns>;

const column = z.array(z.number().nullable());

export const queryDetail = z
  .object({
    database: z.string(),
    from: shownFrom,
    to: timestamp,
    step: z.number(),
    firstSeen: timestamp,
    lastSeen: timestamp,
    statement: statementSummary,
    totals: z.object({
      planMs: z.number(),
      plans: z.number(),
      sharedHit: z.number(),
      sharedRead: z.number(),
      sharedDirtied: z.number(),
      sharedWritten: z.number(),
      localRead: z.number(),
      localWritten: z.number(),
      tempRead: z.number(),
      tempWritten: z.number(),
      blockReadMs: z.number(),
      blockWriteMs: z.number(),
      walRecords: z.number(),
      walFullPageImages: z.number(),
      walBytes: z.number(),
      jitMs: z.number(),
    }),
    ...planCourse.shape,
    appliedAdvice,
    applications: z.array(z.string()).openapi({ description: 'Applications that have reported it.' }),
    ...callers,
    series: z
      .object({
        at: z.array(z.number()),
        callsPerSecond: column,
        meanMs: column,
        applicationMs: column.nullable().openapi({
          description:
            'Mean as the application measured it; this and the next are null where none reports the statement.',
        }),
        p50Ms: column.nullable(),
        p95Ms: column.nullable(),
        p99Ms: column.nullable(),
        waitMs: column.nullable().openapi({ description: 'Waiting for a connection, on average.' }),
        rowsPerCall: column,
        sharedHitPerSecond: column,
        sharedReadPerSecond: column,
        tempBytesPerSecond: column,
        walBytesPerSecond: column,
      })
      .openapi({ description: 'null: not known, or nothing was called.' }),
  })
  .openapi('QueryDetail');
export type QueryDetail = z.infer<typeof queryDetail>;

export const analyzeRequest = z
  .strictObject({
    query: z
      .string()
      .min(1)
      .max(100_000)
      .optional()
      .openapi({ description: 'Statement text, with $1 or with literals.' }),
    id: z.number().int().optional().openapi({ description: 'Or the id of a known statement.' }),
    plan: z.string().min(1).max(500_000).optional().openapi({
      description: 'Or a plan that EXPLAIN made, in text or JSON form: it is read, and the database not asked.',
    }),
    searchPath: z.string().max(1000).optional(),
  })
  .openapi('AnalyzeRequest');

export const analyzeAnswer = z
  .object({
    database: z.string(),
    query: z.string().nullable().openapi({ description: 'null: a plan was given that does not tell its statement.' }),
    generic: z.boolean(),
    totalCost: z.number().nullable().openapi({ description: 'null: a plan was given that was made with COSTS OFF.' }),
    text: z.string(),
    plan: z.unknown(),
    executed: z.boolean().openapi({ description: 'A plan of a statement that was run (ANALYZE).' }),
    nodes: z.array(planNode),
    findings: z.array(planFinding),
    rewrites: z.array(rewrite).openapi({ description: 'How the statement would be written better.' }),
  })
  .openapi('AnalyzeAnswer');
export type AnalyzeAnswer = z.infer<typeof analyzeAnswer>;
