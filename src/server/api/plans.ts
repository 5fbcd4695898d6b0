import { z } from '@hono/zod-openapi';
import { planVerdict, timestamp } from './common.ts';

/** Something that stands out in a plan. */
export const planFinding = z
  .object({
    rule: z.string().openapi({ example: 'sort-spill' }),
    severity: z.enum(['info', 'warning']),
    node: z.string(),
    nodeId: z
      .number()
      .int()
      .nullable()
      .openapi({ description: 'Number of the node in the order of the tree, from 0; null: about the whole plan.' }),
    message: z.string(),
    advice: z.string().nullable(),
    share: z.number().nullable().openapi({
      description: 'Of the time that the plan took, else of its cost, what the node takes by itself, 0–1.',
    }),
  })
  .openapi('PlanFinding');

/** What a node of a plan takes by itself, and how many rows came. Nodes are in the order of the tree, parents before children. */
export const planNode = z
  .object({
    id: z.number().int(),
    ownMs: z.number().nullable().openapi({ description: 'null: not run, or run without timing.' }),
    ownCost: z.number().nullable(),
    share: z.number().nullable().openapi({ description: 'Of the whole plan’s time, else of its cost, 0–1.' }),
    rows: z.number().nullable().openapi({ description: 'That came, in all loops; null: not run.' }),
    loops: z.number().nullable().openapi({ description: '0: never executed.' }),
    misestimate: z
      .object({ factor: z.number(), more: z.boolean().openapi({ description: 'More rows came than were expected.' }) })
      .nullable()
      .openapi({ description: 'null: within a factor of ten, or not known.' }),
  })
  .openapi('PlanNode');

/** A better way to write a statement. */
export const rewrite = z
  .object({
    rule: z.string().openapi({ example: 'not-in-subquery' }),
    severity: z.enum(['info', 'warning']),
    message: z.string(),
    advice: z.string(),
    rewritten: z
      .string()
      .nullable()
      .openapi({ description: 'The whole statement; null where only its author can tell what is meant.' }),
    provided: z
      .string()
      .nullable()
      .openapi({ description: 'On what the same result depends; null when it is certain.' }),
  })
  .openapi('Rewrite');

const measure = z.object({ calls: z.number(), meanMs: z.number().nullable() });

const keptPlan = z
  .object({
    shape: z.string().openapi({ description: 'The same for plans with the same nodes, tables, indexes and joins.' }),
    current: z.boolean(),
    generic: z.boolean(),
    totalCost: z.number(),
    firstSeen: timestamp,
    lastSeen: timestamp,
    outline: z
      .array(z.object({ depth: z.number().int(), label: z.string() }))
      .openapi({ description: 'Its nodes, at most the first fifty.' }),
  })
  .openapi('KeptPlan');

export const planChange = z
  .object({
    at: timestamp.openapi({ description: 'When the new plan was seen first.' }),
    seenBefore: timestamp.openapi({ description: 'When the former one was seen last: it changed in between.' }),
    from: z.string(),
    to: z.string(),
    verdict: planVerdict,
    before: measure,
    after: measure,
    sentence: z
      .string()
      .openapi({ example: 'slower since its plan changed at 2026-05-12 14:02 UTC: 2.10 ms before, 48.0 ms after' }),
  })
  .openapi('PlanChange');

/** Plans of a statement, for its page. */
export const planCourse = z.object({
  plans: z.array(keptPlan).openapi({ description: 'Plans that it has or had, the one seen last first; at most ten.' }),
  planChanges: z.array(planChange).openapi({ description: 'The latest first; at most twenty.' }),
  slowerSince: timestamp
    .nullable()
    .openapi({ description: 'When its plan changed, if it is slower since then and has that plan still.' }),
});

export const queryPlans = z
  .object({
    database: z.string(),
    id: z.number().int(),
    plans: z.array(
      keptPlan.extend({
        plan: z.unknown().openapi({ description: 'EXPLAIN’s JSON as last seen; null when it was too large to keep.' }),
        nodes: z.array(planNode),
        findings: z.array(planFinding),
      }),
    ),
    planChanges: z.array(planChange),
  })
  .openapi('QueryPlans');
export type QueryPlans = z.infer<typeof queryPlans>;
