import { z } from '@hono/zod-openapi';
import { adviceState, runKind } from './advice.ts';
import { backupRunKind, backupRunState } from './backups.ts';
import { grade, planVerdict, timestamp } from './common.ts';

const connection = z.enum(['connecting', 'watching', 'unreachable', 'refused', 'unsupported', 'standby-daemon']);

/** Answer of `/api/v1/databases`: what the shell of the dashboard needs. */
export const databases = z
  .object({
    version: z.string().openapi({ description: "Pitcrew's version." }),
    databases: z.array(
      z.object({
        name: z.string(),
        address: z.string(),
        connection,
        since: timestamp,
        message: z.string().nullable(),
        hint: z.string().nullable(),
        score: z.number().nullable(),
        grade: grade.nullable(),
        serverVersion: z.string().nullable(),
        isStandby: z.boolean().nullable(),
      }),
    ),
    store: z.object({
      state: z.enum(['ready', 'away', 'read-only']),
      message: z.string().nullable(),
      since: timestamp,
      lostBatches: z.number(),
      bytes: z.number().nullable(),
    }),
    actions: z.object({
      sessions: z.boolean(),
      resetStatistics: z.boolean(),
      cache: z.boolean(),
      advice: z.boolean(),
    }),
  })
  .openapi('Databases');
export type Databases = z.infer<typeof databases>;

const collector = z
  .object({
    name: z.string(),
    state: z.enum(['starting', 'ok', 'failing', 'backing-off', 'skipped', 'paused']),
    cadenceMs: z.number(),
    lastRun: timestamp.nullable(),
    lastSuccess: timestamp.nullable(),
    lastDurationMs: z.number().nullable(),
    runs: z.number(),
    failures: z.number(),
    message: z.string().nullable(),
    nextRun: timestamp.nullable(),
  })
  .openapi('Collector');

export const doctor = z
  .object({
    database: z.string(),
    at: timestamp,
    connection,
    message: z.string().nullable(),
    hint: z.string().nullable(),
    address: z.string(),
    server: z
      .object({
        version: z.string(),
        flavour: z.string(),
        isStandby: z.boolean(),
        startedAt: timestamp,
        database: z.string(),
        user: z.string(),
        maxConnections: z.number(),
        cpus: z.number().nullable(),
        statementsVersion: z.string().nullable(),
      })
      .nullable(),
    skipped: z.array(z.object({ subject: z.string(), reason: z.string(), fix: z.string().nullable() })),
    collectors: z.array(collector),
    ownCost: z
      .object({ backendMsPerSecond: z.number(), calls: z.number(), tempBytes: z.number(), connections: z.number() })
      .nullable(),
  })
  .openapi('Doctor');
export type Doctor = z.infer<typeof doctor>;

export const serverSettings = z
  .object({
    database: z.string(),
    settings: z.array(
      z.object({
        name: z.string(),
        value: z.string(),
        unit: z.string().nullable(),
        category: z.string(),
        description: z.string(),
        source: z.string(),
        isDefault: z.boolean(),
        pendingRestart: z.boolean(),
      }),
    ),
  })
  .openapi('ServerSettings');
export type ServerSettings = z.infer<typeof serverSettings>;

/** An event of `/api/v1/events`; the SSE event's name is its `type`. */
export const event = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('connection'), database: z.string(), connection, message: z.string().nullable() }),
    z.object({ type: z.literal('sample'), database: z.string(), collector: z.string(), at: timestamp }),
    z.object({
      type: z.literal('health'),
      database: z.string(),
      score: z.number().nullable(),
      grade: grade.nullable(),
      status: z.enum(['healthy', 'warning', 'critical', 'unknown']),
    }),
    z.object({ type: z.literal('advice'), database: z.string(), id: z.number().int(), state: adviceState }),
    z.object({ type: z.literal('advice-run'), database: z.string(), kind: runKind, running: z.boolean() }),
    z.object({
      type: z.literal('backup-run'),
      database: z.string(),
      id: z.number().int().nullable(),
      kind: backupRunKind,
      state: backupRunState,
    }),
    z.object({
      type: z.literal('plan'),
      database: z.string(),
      statementId: z.number().int(),
      verdict: planVerdict,
      at: timestamp,
    }),
    z.object({ type: z.literal('hello'), version: z.string() }),
  ])
  .openapi('Event');
export type Event = z.infer<typeof event>;
