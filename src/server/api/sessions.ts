import { z } from '@hono/zod-openapi';
import { timestamp } from './common.ts';

const session = z
  .object({
    pid: z.number().int(),
    database: z.string().nullable(),
    user: z.string().nullable(),
    application: z.string(),
    client: z.string().nullable(),
    backendType: z.string(),
    state: z.string().nullable(),
    waitType: z.string().nullable(),
    waitEvent: z.string().nullable(),
    queryId: z.string().nullable(),
    query: z.string(),
    backendSeconds: z.number().nullable(),
    transactionSeconds: z.number().nullable(),
    querySeconds: z.number().nullable(),
    stateSeconds: z.number().nullable(),
    blockedBy: z.array(z.number().int()),
    waitsFor: z
      .object({
        mode: z.string(),
        lockType: z.string(),
        relation: z.string().nullable(),
        seconds: z.number().nullable(),
      })
      .nullable(),
    own: z.boolean(),
  })
  .openapi('Session');
export type Session = z.infer<typeof session>;

export const sessions = z
  .object({
    database: z.string(),
    at: timestamp.nullable(),
    maxConnections: z.number().nullable(),
    byState: z.record(z.string(), z.number()),
    byWait: z.record(z.string(), z.number()),
    actionsEnabled: z.boolean(),
    sessions: z.array(session),
  })
  .openapi('Sessions');
export type Sessions = z.infer<typeof sessions>;

export interface BlockingNode {
  session: Session;
  /** Sessions that wait for this one, directly and through others. */
  waiting: BlockingNode[];
}

const blockingNode: z.ZodType<BlockingNode> = z
  .object({ session, waiting: z.array(z.lazy(() => blockingNode)) })
  .openapi('BlockingNode', {
    type: 'object',
    properties: { session: { type: 'object' }, waiting: { type: 'array', items: { type: 'object' } } },
  });

export const locks = z
  .object({
    database: z.string(),
    at: timestamp.nullable(),
    blocked: z.number().int(),
    roots: z.array(blockingNode).openapi({ description: 'Sessions that block others and wait for nobody.' }),
  })
  .openapi('Locks');
export type Locks = z.infer<typeof locks>;

export const sessionAction = z.object({ pid: z.number().int(), done: z.boolean() }).openapi('SessionAction');
