import { z } from '@hono/zod-openapi';
import { adviceSummary, advisorStatus } from './advice.ts';
import { timestamp } from './common.ts';

const problem = adviceSummary.pick({ id: true, check: true, severity: true, state: true, title: true, kind: true });

const index = z
  .object({
    name: z.string(),
    definition: z.string(),
    method: z.string(),
    bytes: z.number(),
    scans: z.number(),
    lastScan: timestamp.nullable(),
    valid: z.boolean(),
    partitioned: z.boolean(),
    unique: z.boolean(),
    primary: z.boolean(),
    constraint: z.string().nullable(),
    foreignKey: z.string().nullable(),
    replicaIdentity: z.boolean(),
    problems: z.array(problem).openapi({ description: 'Open advice about it.' }),
  })
  .openapi('AnalysedIndex');

const table = z
  .object({
    schema: z.string(),
    name: z.string(),
    bytes: z.number().openapi({ description: 'Of its indexes together.' }),
    indexes: z.array(index),
    advised: z
      .array(
        problem.extend({
          statements: z.array(z.string()),
          bytes: z.number().nullable(),
          workloadShare: z.number().nullable(),
        }),
      )
      .openapi({ description: 'Indexes that would help.' }),
    problems: z.array(problem).openapi({ description: 'Open advice about the table itself.' }),
  })
  .openapi('AnalysedTable');
export type AnalysedTable = z.infer<typeof table>;

const choice = z
  .object({
    at: timestamp,
    backend: z.enum(['twin', 'hypopg']),
    workload: z.object({ source: z.string(), coverage: z.number(), statements: z.number() }),
    cost: z
      .object({ before: z.number(), after: z.number(), bound: z.number(), gap: z.number() })
      .openapi({ description: 'Planned cost of the workload in an hour; no choice can cost less than `bound`.' }),
    msPerHour: z.object({ before: z.number(), after: z.number() }).nullable(),
    budgetBytes: z.number().nullable(),
    sizeBytes: z.number(),
    statements: z.object({ planned: z.number(), improved: z.number() }),
    candidates: z.number(),
    plans: z.number(),
    seconds: z.number(),
    indexes: z.number().int(),
    gaps: z.array(z.object({ subject: z.string(), reason: z.string(), fix: z.string().nullable() })),
    leftOut: z.array(z.object({ text: z.string(), reason: z.string() })),
  })
  .openapi('IndexChoice');

export const indexAnalysis = z
  .object({
    database: z.string(),
    actionsEnabled: z.boolean(),
    advisor: advisorStatus,
    choice: choice.nullable().openapi({ description: 'The last choice of indexes for the whole workload.' }),
    count: z.number().int().openapi({ description: 'Tables that fit, before `limit`.' }),
    tables: z.array(table).openapi({ description: 'Those whose indexes take the most room first.' }),
  })
  .openapi('IndexAnalysis');
export type IndexAnalysis = z.infer<typeof indexAnalysis>;

export const optimizeAnswer = z
  .object({
    database: z.string(),
    advisor: advisorStatus,
    applying: z.array(z.number().int()).openapi({ description: 'Advice that is applied now, one after the other.' }),
  })
  .openapi('OptimizeAnswer');
