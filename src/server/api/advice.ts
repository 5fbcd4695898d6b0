import { z } from '@hono/zod-openapi';
import type { AdviceState } from '../../ops/store/index.ts';
import { timestamp } from './common.ts';

const states = [
  'found',
  'planned',
  'applying',
  'applied',
  'measuring',
  'kept',
  'undoing',
  'undone',
  'failed',
  'dismissed',
  'resolved',
] as const satisfies readonly AdviceState[];

export const adviceState = z.enum(states);
export const adviceSeverity = z.enum(['info', 'warning', 'critical']);
const action = z.enum(['apply', 'undo', 'dismiss', 'reopen']);
export const runKind = z.enum(['checks', 'indexes']);

const gain = z
  .object({
    bytes: z.number().optional(),
    workloadShare: z.number().optional(),
    msPerHour: z.number().optional(),
    text: z.string().optional(),
  })
  .openapi({ description: 'What it would bring, as far as it is known beforehand.' });

const progress = z
  .object({
    statement: z.number().int(),
    of: z.number().int(),
    phase: z.string(),
    ratio: z.number().nullable(),
    secondsLeft: z.number().nullable(),
    waitsFor: z.string().nullable(),
  })
  .openapi({ description: 'How far what is under way is.' });

const effect = z.object({ ratio: z.number(), low: z.number(), high: z.number(), msPerHour: z.number() });

export const adviceSummary = z
  .object({
    id: z.number().int(),
    check: z.string(),
    kind: z.string().openapi({ description: 'What is to be done: `create-index`; empty where nothing is.' }),
    severity: adviceSeverity,
    state: adviceState,
    stateSince: timestamp,
    firstSeen: timestamp,
    lastSeen: timestamp,
    title: z.string(),
    subject: z.object({
      kind: z.string(),
      schema: z.string().nullable(),
      table: z.string().nullable(),
      name: z.string(),
    }),
    gain: gain.nullable(),
    risk: z.enum(['low', 'medium', 'high']).nullable(),
    actions: z.array(action).openapi({ description: 'What can be asked of it in this state.' }),
    progress: progress.nullable(),
    effect: effect.nullable().openapi({ description: 'What was measured: −0.4 is 40 % less time, with its bounds.' }),
    verdict: z.enum(['unknown', 'better', 'same', 'worse']).nullable(),
  })
  .openapi('AdviceSummary');
export type AdviceSummary = z.infer<typeof adviceSummary>;

const run = z.object({
  kind: runKind,
  askedBy: z.string(),
  beganAt: timestamp,
  endedAt: timestamp.nullable(),
  error: z.string().nullable(),
});

const running = z.object({
  kind: runKind,
  since: timestamp,
  phase: z.string(),
  ratio: z.number().nullable(),
});

const failure = z.object({
  kind: runKind,
  code: z.string(),
  message: z.string(),
  detail: z.string().nullable(),
  hint: z.string().nullable(),
});

export const advisorStatus = z
  .object({
    enabled: z.boolean().openapi({ description: 'Whether it looks for advice by itself.' }),
    elsewhere: z.boolean().openapi({ description: 'Another daemon looks after the database.' }),
    auto: z.boolean().openapi({ description: 'Whether it applies advice without being asked.' }),
    running: running.nullable(),
    lastChecks: run.nullable(),
    lastIndexes: run.nullable(),
    nextChecks: timestamp.nullable(),
    nextIndexes: timestamp.nullable(),
    failure: failure.nullable().openapi({ description: 'Why the last run failed.' }),
  })
  .openapi('AdvisorStatus');
export type AdvisorStatus = z.infer<typeof advisorStatus>;

const byState = z.partialRecord(adviceState, z.number().int());

export const adviceList = z
  .object({
    database: z.string(),
    actionsEnabled: z.boolean(),
    advisor: advisorStatus,
    counts: byState.openapi({ description: 'Of all advice, by state.' }),
    count: z.number().int().openapi({ description: 'Of all that fits: `advice` is a page of it.' }),
    facets: z
      .object({
        states: byState,
        severities: z.partialRecord(adviceSeverity, z.number().int()),
        kinds: z.record(z.string(), z.number().int()),
        checks: z.record(z.string(), z.number().int()),
      })
      .openapi({ description: 'How much fits by each property, whatever was asked for of that one.' }),
    advice: z.array(adviceSummary),
    untold: z
      .array(z.object({ check: z.string(), title: z.string(), message: z.string() }))
      .openapi({ description: 'Checks that could not tell in the last run, or found more than is listed, and why.' }),
  })
  .openapi('AdviceList');
export type AdviceList = z.infer<typeof adviceList>;

/** For charts: when what they show may have changed. */
export const appliedAdvice = z
  .array(
    z.object({
      at: timestamp,
      what: z.enum(['applied', 'undone']),
      id: z.number().int().openapi({ description: 'Of the advice.' }),
      kind: z.string().openapi({ description: 'What it does: `create-index`.' }),
      title: z.string(),
    }),
  )
  .openapi({ description: 'Advice that was applied or undone in the range, the latest first; at most fifty.' });

const loggedChange = z
  .object({
    id: z.number().int(),
    adviceId: z.number().int().nullable(),
    subject: z.string(),
    purpose: z.enum(['apply', 'undo', 'clean-up', 'maintenance']),
    statement: z.string(),
    askedBy: z.string(),
    beganAt: timestamp,
    endedAt: timestamp.nullable(),
    outcome: z.enum(['unknown', 'done', 'failed', 'cancelled']),
    durationMs: z.number().nullable(),
    error: z.string().nullable(),
    sqlState: z.string().nullable(),
    resolution: z
      .string()
      .nullable()
      .openapi({ description: 'How the outcome became known when whoever ran it was gone.' }),
  })
  .openapi('LoggedChange');
export type LoggedChange = z.infer<typeof loggedChange>;

export const adviceAudit = z
  .object({
    database: z.string(),
    changes: z.array(loggedChange).openapi({ description: 'The youngest first.' }),
  })
  .openapi('AdviceAudit');

const sample = z.object({ calls: z.number(), meanMs: z.number(), errorMs: z.number(), hours: z.number() });

const measurement = z.object({
  verdict: z.enum(['unknown', 'better', 'same', 'worse']),
  reason: z.string(),
  effect: effect.nullable(),
  before: z.object({ from: timestamp, to: timestamp }),
  after: z.object({ from: timestamp, to: timestamp }).nullable(),
  statements: z.array(
    z.object({
      queryId: z.string(),
      ids: z.array(z.number().int()),
      text: z.string(),
      role: z.enum(['planned', 'write', 'other']),
      before: sample.nullable(),
      after: sample.nullable(),
    }),
  ),
});

export const adviceDetail = adviceSummary
  .extend({
    database: z.string(),
    actionsEnabled: z.boolean(),
    explanation: z.string(),
    evidence: z.array(
      z.object({
        label: z.string(),
        value: z.union([z.number(), z.string(), z.boolean()]).nullable(),
        unit: z.enum(['bytes', 'ms', 'seconds', 'ratio', 'rows', 'count', 'perSecond']).optional(),
      }),
    ),
    remedy: z
      .object({
        fix: z.array(z.string()),
        undo: z.array(z.string()),
        risk: z.enum(['low', 'medium', 'high']),
        riskDetail: z.string(),
        appliable: z.boolean(),
        needsBytes: z.number().nullable(),
      })
      .nullable(),
    affected: z
      .array(
        z.object({
          id: z.string(),
          text: z.string(),
          callsPerHour: z.number(),
          costBefore: z.number(),
          costAfter: z.number(),
        }),
      )
      .openapi({ description: 'Statements whose plans it changes, as planned beforehand.' }),
    measurement: measurement.nullable(),
    history: z.array(
      z.object({
        at: timestamp,
        from: adviceState.nullable(),
        to: adviceState,
        by: z.string(),
        reason: z.string().nullable(),
      }),
    ),
    changes: z.array(loggedChange),
  })
  .openapi('AdviceDetail');
export type AdviceDetail = z.infer<typeof adviceDetail>;

export const preflight = z
  .object({
    refusals: z.array(z.string()).openapi({ description: 'Why it is not run now.' }),
    doubts: z.array(z.string()).openapi({ description: 'What could not be told: it is run only with `force`.' }),
    statements: z.array(z.string()),
    needsBytes: z.number().nullable(),
    freeBytes: z.number().nullable(),
  })
  .openapi('AdvicePreflight');
export type AdvicePreflight = z.infer<typeof preflight>;
