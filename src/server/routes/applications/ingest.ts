import { createRoute } from '@hono/zod-openapi';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApplicationReport } from '../../../client/telemetry/report.ts';
import type { PendingCommand, Store } from '../../../ops/store/index.ts';
import { applicationReport, ingestAnswer } from '../../api/applications.ts';
import { oneDatabaseQuery } from '../../api/parameters.ts';
import { type Api, type AppContext, pickMonitor, storeOf } from '../../context.ts';
import { problemsOf } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';

/** Path of reports, which may be larger than other bodies and sent as gzip. */
export const ingestPath = '/api/v1/database/ingest';
/** Of a report, inflated. */
export const maxReportBytes = 2 * 1024 * 1024;

const route = createRoute({
  method: 'post',
  path: ingestPath,
  summary: 'Takes a report of an application: its statements, who calls them, its pools',
  description:
    'The library sends one every ten seconds. The body may be gzip; inflated it has 2 MiB at most. A report is known by its ' +
    'instance and sequence: one that comes again is accepted and not counted again.',
  request: {
    query: queryOf(oneDatabaseQuery),
    body: { required: true, content: { 'application/json': { schema: applicationReport } } },
  },
  responses: {
    202: { description: 'Accepted', content: { 'application/json': { schema: ingestAnswer } } },
    ...problemsOf(400, 401, 404, 413, 415, 503),
  },
});

/** How long an answer waits for the report to be in the store. A daemon that is killed has lost nothing that it answered so. */
const writeWithinMs = 2000;
/** How long it then waits for what there is to do. The next report asks again. */
const commandsWithinMs = 1000;

/** Reports of applications. */
export function ingestRoutes(app: Api, context: AppContext): void {
  app.openapi(route, async (c) => {
    const report = c.req.valid('json');
    const monitor = pickMonitor(context, c.req.valid('query').database);
    const store = storeOf(context);
    const targetId = monitor.targetId || (await store.target(monitor.name));
    const arrivedAt = new Date();
    const { at, note } = placeOf(report, arrivedAt);
    const written = store.report({ targetId, report, at, arrivedAt });
    const stored = await Promise.race([written, delay(writeWithinMs, false, { ref: false })]);
    // While the store is away nobody knows, and the sender is not to wait for that.
    const commands = stored ? await commandsFor(store, targetId, report) : [];
    return c.json({ accepted: true as const, at: at.toISOString(), stored, note, commands }, 202);
  });
}

/** What the process that reports is to do with its caches, as far as that can be said soon. */
async function commandsFor(store: Store, targetId: number, report: ApplicationReport): Promise<PendingCommand[]> {
  if (report.caches.length === 0) return [];
  const { application, instance } = report;
  const pending = store.pendingCacheCommands({ targetId, application, instance, now: new Date() }).catch(() => []);
  return Promise.race([pending, delay<PendingCommand[]>(commandsWithinMs, [], { ref: false })]);
}

/** A clock may be ahead by this much, and reports may be late by so much. */
const aheadMs = 5000;
const lateMs = 15 * 60_000;

/** When the figures of a report are counted: at its end, unless that cannot be. */
function placeOf({ to }: Pick<ApplicationReport, 'to'>, arrivedAt: Date): { at: Date; note: string | null } {
  const ahead = Date.parse(to) - arrivedAt.getTime();
  if (ahead > aheadMs) {
    return { at: arrivedAt, note: `"to" lies in the future (${to}): counted at the time of arrival` };
  }
  if (ahead < -lateMs) {
    return { at: arrivedAt, note: `"to" is more than 15 minutes ago (${to}): counted at the time of arrival` };
  }
  return { at: new Date(to), note: null };
}
