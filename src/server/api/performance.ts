import { z } from '@hono/zod-openapi';
import { grade, shownFrom, spark, timestamp } from './common.ts';
import { statementSummary } from './queries.ts';

const healthCheck = z
  .object({
    id: z.string(),
    title: z.string(),
    status: z.enum(['ok', 'warning', 'critical', 'unknown']),
    message: z.string(),
    weight: z.number(),
    pointsLost: z.number(),
    evidence: z.record(z.string(), z.union([z.number(), z.string(), z.null()])),
    advice: z.string().nullable(),
  })
  .openapi('HealthCheck');

export const health = z
  .object({
    database: z.string(),
    at: timestamp,
    status: z.enum(['healthy', 'warning', 'critical', 'unknown']),
    score: z.number().nullable(),
    grade: grade.nullable(),
    known: z.number().openapi({ description: 'Share of the checks, by weight, that could be judged (0–1).' }),
    checks: z.array(healthCheck),
  })
  .openapi('Health');
export type Health = z.infer<typeof health>;

/** A headline figure with its recent course. `value` is null when it is not known. */
const figure = z
  .object({
    id: z.string(),
    title: z.string(),
    unit: z.enum(['per second', 'ms', 'ratio', 'count', 'bytes', 'seconds', 'bytes per second']),
    value: z.number().nullable(),
    limit: z
      .number()
      .nullable()
      .optional()
      .openapi({ description: 'What the value can be at most, where there is a limit.' }),
    spark,
    status: z.enum(['ok', 'warning', 'critical', 'unknown']),
  })
  .openapi('Figure');

const verdict = z
  .object({
    status: z.enum(['ok', 'warning', 'critical', 'unknown']),
    text: z.string().openapi({ description: 'A plain sentence.' }),
    advice: z.string().nullable(),
    check: z.string().openapi({ description: 'Id of the health check it comes from.' }),
  })
  .openapi('Verdict');

export const dashboard = z
  .object({
    database: z.string(),
    at: timestamp,
    from: shownFrom,
    to: timestamp,
    step: z.number(),
    health,
    verdicts: z
      .array(verdict)
      .openapi({ description: 'What is wrong first, then what could not be told, then what is fine.' }),
    figures: z.array(figure),
    activity: z.object({
      cpus: z.number().nullable(),
      active: z.number().nullable(),
      byWait: z.record(z.string(), z.number()),
      byState: z.record(z.string(), z.number()),
      waits: z.object({
        at: z.array(z.number()),
        classes: z.array(z.object({ class: z.string(), values: z.array(z.number().nullable()) })),
      }),
    }),
    statements: z.array(statementSummary),
    notices: z
      .array(z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }))
      .openapi({ description: 'Why parts are missing: the store is away, the database is unreachable, …' }),
  })
  .openapi('Dashboard');
export type Dashboard = z.infer<typeof dashboard>;

const metricSeries = z
  .object({
    name: z.string(),
    labels: z.record(z.string(), z.string()),
    kind: z.enum(['counter', 'gauge']),
    unit: z.string(),
    help: z.string(),
    values: z
      .array(z.number().nullable())
      .openapi({ description: 'Gauges: means. Counters: per second. null: not known.' }),
    min: z.array(z.number().nullable()).optional(),
    max: z.array(z.number().nullable()).optional(),
  })
  .openapi('MetricSeries');

export const metrics = z
  .object({
    database: z.string(),
    from: timestamp,
    to: timestamp,
    step: z.number().openapi({ description: 'Width of a point in seconds.' }),
    at: z.array(z.number()).openapi({ description: 'Start of each point, ms since 1970; shared by all series.' }),
    series: z.array(metricSeries),
  })
  .openapi('Metrics');
export type Metrics = z.infer<typeof metrics>;
