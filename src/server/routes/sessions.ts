import { createRoute } from '@hono/zod-openapi';
import { PitcrewError } from '../../errors.ts';
import type { DatabaseMonitor } from '../../ops/monitor/index.ts';
import { oneDatabaseQuery, pidPath } from '../api/parameters.ts';
import { locks, sessionAction, sessions } from '../api/sessions.ts';
import { type Api, type AppContext, pickMonitor } from '../context.ts';
import { blockingForest, presentSession } from '../present/sessions.ts';
import { iso } from '../present/values.ts';
import { answers } from '../request/respond.ts';
import { queryOf } from '../request/validate.ts';

const sessionsRoute = createRoute({
  method: 'get',
  path: '/api/v1/database/sessions',
  summary: 'Sessions as last sampled',
  request: { query: queryOf(oneDatabaseQuery) },
  responses: answers(sessions, 'Sessions', 400, 404),
});

const locksRoute = createRoute({
  method: 'get',
  path: '/api/v1/database/locks',
  summary: 'Who waits for whom, as a tree',
  request: { query: queryOf(oneDatabaseQuery) },
  responses: answers(locks, 'Blocking sessions and those that wait for them', 400, 404),
});

const actionRoute = <Action extends 'cancel' | 'terminate'>(action: Action, summary: string) =>
  createRoute({
    method: 'post',
    path: `/api/v1/database/sessions/{pid}/${action}`,
    summary,
    description: 'Only with the setting actions.sessions. `done` is false when the session was gone already.',
    request: { params: pidPath, query: queryOf(oneDatabaseQuery) },
    responses: answers(sessionAction, 'What became of it', 400, 404, 422, 502, 503),
  });

const cancelRoute = actionRoute('cancel', "Cancels a session's statement (pg_cancel_backend)");
const terminateRoute = actionRoute('terminate', 'Ends a session (pg_terminate_backend)');

/** Sessions, blocking, and what can be done about them. */
export function sessionRoutes(app: Api, context: AppContext): void {
  app.openapi(sessionsRoute, (c) => {
    const monitor = pickMonitor(context, c.req.valid('query').database);
    const snapshot = monitor.activity();
    return c.json(
      {
        database: monitor.name,
        at: iso(snapshot?.at ?? null),
        maxConnections: monitor.status().server?.maxConnections ?? null,
        byState: snapshot?.byState ?? {},
        byWait: snapshot?.byWait ?? {},
        actionsEnabled: context.config.actions.sessions,
        sessions: (snapshot?.sessions ?? []).map((session) => presentSession(session, snapshot?.at ?? new Date())),
      },
      200,
    );
  });

  app.openapi(locksRoute, (c) => {
    const monitor = pickMonitor(context, c.req.valid('query').database);
    const snapshot = monitor.activity();
    const forest = snapshot === undefined ? { blocked: 0, roots: [] } : blockingForest(snapshot);
    return c.json({ database: monitor.name, at: iso(snapshot?.at ?? null), ...forest }, 200);
  });

  async function act(database: string | undefined, pid: number, action: 'cancel' | 'terminate') {
    const monitor = pickMonitor(context, database);
    refuseUnlessEnabled(context);
    refuseOwn(monitor, pid);
    const done = await (action === 'cancel' ? monitor.cancelSession(pid) : monitor.terminateSession(pid));
    context.logger.info({ database: monitor.name, pid, action, done }, 'session action on request');
    return { pid, done };
  }

  app.openapi(cancelRoute, async (c) =>
    c.json(await act(c.req.valid('query').database, c.req.valid('param').pid, 'cancel'), 200),
  );
  app.openapi(terminateRoute, async (c) =>
    c.json(await act(c.req.valid('query').database, c.req.valid('param').pid, 'terminate'), 200),
  );
}

function refuseUnlessEnabled(context: AppContext): void {
  if (context.config.actions.sessions) return;
  throw new PitcrewError('E_FORBIDDEN', 'cancelling and terminating sessions is not enabled', {
    detail: 'The setting actions.sessions is false.',
    hint: 'Set it in the config file, or PITCREW_ACTIONS_SESSIONS=true.',
  });
}

function refuseOwn(monitor: DatabaseMonitor, pid: number): void {
  const session = monitor.activity()?.sessions.find((each) => each.pid === pid);
  if (session?.own !== true) return;
  throw new PitcrewError('E_UNSAFE', `session ${pid} is Pitcrew's own`, { hint: 'Stop the daemon instead.' });
}
