import { z } from '@hono/zod-openapi';
import { timestamp } from './common.ts';

export const backupRunKind = z.enum(['full', 'incremental', 'drill', 'verify', 'prune']);
export const backupRunState = z.enum(['running', 'done', 'failed', 'stopped']);

const failure = z
  .object({ code: z.string(), message: z.string(), detail: z.string().nullable(), hint: z.string().nullable() })
  .openapi('BackupFailure');

const position = z
  .string()
  .openapi({ description: 'In the log of the server, as PostgreSQL writes it.', example: '16/B374D848' });

const moment = z.object({ at: timestamp, lsn: position, timeline: z.number().int() });

const reachableWindow = z
  .object({
    from: moment,
    to: moment,
    backups: z.array(z.string()).openapi({ description: 'Those from which it can be reached, oldest first.' }),
  })
  .openapi('ReachableWindow', { description: 'A stretch of time of which every moment can be restored.' });

const backupRun = z
  .object({
    id: z.number().int(),
    kind: backupRunKind,
    trigger: z.enum(['schedule', 'hand']),
    askedBy: z.string(),
    attempt: z.number().int(),
    dueAt: timestamp.nullable().openapi({ description: 'The time of the schedule that it was for.' }),
    repository: z.string(),
    beganAt: timestamp,
    endedAt: timestamp.nullable(),
    state: backupRunState,
    backup: z.string().nullable().openapi({ description: 'The backup that it made, or was about.' }),
    bytes: z.number().nullable(),
    storedBytes: z.number().nullable(),
    bytesPerSecond: z.number().nullable(),
    readyMs: z.number().nullable().openapi({ description: 'Of a drill: until the restored server was ready.' }),
    report: z.record(z.string(), z.unknown()).nullable().openapi({ description: 'What came of it, by its kind.' }),
    error: failure.nullable(),
    willRetry: z
      .boolean()
      .openapi({ description: 'It failed for a reason that may pass, and is tried again by itself.' }),
  })
  .openapi('BackupRun');
export type BackupRun = z.infer<typeof backupRun>;

export const backupRuns = z
  .object({ database: z.string(), count: z.number().int(), runs: z.array(backupRun) })
  .openapi('BackupRuns');
export type BackupRuns = z.infer<typeof backupRuns>;

export const backupRunDetail = backupRun
  .extend({
    database: z.string(),
    lines: z
      .array(z.object({ at: timestamp, level: z.enum(['info', 'warn', 'error']), text: z.string() }))
      .openapi({ description: 'What it told; at most 500.' }),
  })
  .openapi('BackupRunDetail');
export type BackupRunDetail = z.infer<typeof backupRunDetail>;

const proof = z.object({
  at: timestamp,
  ok: z.boolean(),
  readyMs: z.number().nullable(),
  run: z.number().int().nullable().openapi({ description: 'The run that found out, where it was one of the daemon.' }),
});

const backup = z
  .object({
    id: z.string(),
    type: z.string().openapi({ description: '`full`, or `incremental`: then `parent` is what it builds on.' }),
    parent: z.string().nullable(),
    startedAt: timestamp,
    endedAt: timestamp.openapi({ description: 'The first moment that it can be restored to.' }),
    bytes: z.number(),
    storedBytes: z.number(),
    encrypted: z.boolean(),
    pinned: z.boolean().openapi({ description: 'It is kept whatever the retention says.' }),
    proven: proof.nullable().openapi({ description: 'What came of the latest restore that was to prove it.' }),
    warnings: z.array(z.string()),
  })
  .openapi('Backup');
export type Backup = z.infer<typeof backup>;

export const backupDetail = backup
  .extend({
    database: z.string(),
    chain: z.array(z.string()).openapi({ description: 'What is needed to restore it, the full backup first.' }),
    server: z.object({ version: z.number().int(), systemId: z.string(), timeline: z.number().int() }),
    startLsn: position,
    endLsn: position,
    tablespaces: z.array(z.string()),
    recipients: z.array(z.string()),
    madeBy: z.string(),
    files: z.array(z.object({ name: z.string(), bytes: z.number(), storedBytes: z.number(), sha256: z.string() })),
  })
  .openapi('BackupDetail');
export type BackupDetail = z.infer<typeof backupDetail>;

const running = z.object({
  id: z.number().int().nullable(),
  kind: backupRunKind,
  trigger: z.enum(['schedule', 'hand']),
  since: timestamp,
  attempt: z.number().int(),
  phase: z.string(),
  doneBytes: z.number(),
  totalBytes: z.number().nullable(),
});

const stream = z
  .object({
    state: z.enum(['connecting', 'waiting', 'streaming', 'ended']).openapi({
      description: '`waiting`: another consumer has the slot; `ended`: for a reason that no new attempt can mend.',
    }),
    since: timestamp.openapi({ description: 'Since when it is received, or is not.' }),
    slot: z.string(),
    serverLsn: position.nullable(),
    retainedBytes: z.number().nullable().openapi({ description: 'Log that the server keeps for us.' }),
    bytesPerSecond: z.number(),
    error: failure.nullable(),
    gaps: z
      .array(
        z.object({
          repository: z.string(),
          first: z.string(),
          last: z.string(),
          segments: z.number().int(),
          reason: z.string(),
        }),
      )
      .openapi({ description: 'Log that is missing, found since the daemon began.' }),
    repositories: z.array(
      z.object({
        name: z.string(),
        phase: z.enum(['starting', 'current', 'behind', 'failing', 'away']),
        storedLsn: position.nullable(),
        storedAt: timestamp.nullable(),
        lagBytes: z.number().nullable(),
        lagMs: z.number().nullable(),
        error: failure.nullable(),
      }),
    ),
  })
  .openapi('LogStream');

export const backupService = z
  .object({
    elsewhere: z.boolean().openapi({ description: 'Another daemon looks after the server.' }),
    running: running.nullable(),
    next: z
      .object({ full: timestamp.nullable(), incremental: timestamp.nullable(), verify: timestamp.nullable() })
      .openapi({ description: 'When each is done next by itself.' }),
    unprovable: z.string().nullable().openapi({ description: 'Why backups cannot be proven here.' }),
  })
  .openapi('BackupService');
export type BackupService = z.infer<typeof backupService>;

const schedule = z.object({
  full: z.string().nullable(),
  incremental: z.string().nullable(),
  verify: z.string().nullable(),
  timeZone: z.string(),
  drill: z.enum(['after-full', 'never']),
  stream: z.boolean(),
  keep: z.object({
    last: z.number().int(),
    daily: z.number().int(),
    weekly: z.number().int(),
    monthly: z.number().int(),
    yearly: z.number().int(),
  }),
});

export const backupList = z
  .object({
    database: z.string(),
    configured: z.boolean().openapi({ description: 'Whether the settings have `backups` of this database.' }),
    actionsEnabled: z.boolean(),
    service: backupService.nullable(),
    schedule: schedule.nullable(),
    at: timestamp.nullable().openapi({ description: 'When the repositories were looked at.' }),
    repositories: z.array(
      z.object({
        name: z.string(),
        encrypted: z.boolean(),
        backups: z.number().int().nullable(),
        behind: z.object({ backups: z.number().int(), since: timestamp }).nullable().openapi({
          description:
            'Of a copy: how many backups of the first repository it lacks, and when the oldest of these was made.',
        }),
        flags: z.array(z.string()).openapi({
          description: 'How a command is told of it, and of the files that open it; no secrets.',
          example: ['--repository', '/var/backups/shop', '--identity', '/etc/pitcrew/shop.key'],
        }),
        error: failure.nullable(),
      }),
    ),
    count: z.number().int(),
    storedBytes: z.number().nullable(),
    logBytes: z.number().nullable().openapi({ description: 'Of all log that is stored.' }),
    backups: z.array(backup).openapi({ description: 'Of the first repository, the youngest first; at most 1000.' }),
    windows: z.array(reachableWindow),
    stream: stream.nullable(),
    latest: z.array(backupRun).openapi({ description: 'The latest run of each kind.' }),
  })
  .openapi('BackupList');
export type BackupList = z.infer<typeof backupList>;

export const backupWindow = z
  .object({ database: z.string(), at: timestamp, windows: z.array(reachableWindow) })
  .openapi('BackupWindow');
