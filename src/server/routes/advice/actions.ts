import { createRoute } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { advisorStatus, adviceSummary } from '../../api/advice.ts';
import { adviceRequest, idPath, oneDatabaseQuery, runRequest } from '../../api/parameters.ts';
import type { Api, AppContext, Env } from '../../context.ts';
import { presentAdvice, presentAdvisor } from '../../present/advice.ts';
import { problemsOf } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';
import { adviceOf, askedBy, refuseUnlessEnabled } from './desk.ts';

const base = '/api/v1/database/advice';

const actionRoute = <Action extends string>(action: Action, summary: string, description: string) =>
  createRoute({
    method: 'post',
    path: `${base}/{id}/${action}`,
    summary,
    description,
    request: {
      params: idPath,
      query: queryOf(oneDatabaseQuery),
      body: { required: false, content: { 'application/json': { schema: adviceRequest } } },
    },
    responses: {
      202: { description: 'As it is now', content: { 'application/json': { schema: adviceSummary } } },
      ...problemsOf(400, 401, 404, 409, 422, 502, 503),
    },
  });

const underWay =
  'Only with the setting actions.advice. Refused, with the reason, while a base backup or a long transaction is under way, on a ' +
  'standby, without room on the disk; what could not be told is refused without `force`. Answers when it is under way: ' +
  '`GET …/advice/{id}` says how far it is, events say when it has changed.';

const applyRoute = actionRoute('apply', 'Applies it', underWay);
const undoRoute = actionRoute('undo', 'Brings the former state back', underWay);
const dismissRoute = actionRoute(
  'dismiss',
  'Says no to it',
  'It stays dismissed until it becomes graver, or what it would bring doubles.',
);
const reopenRoute = actionRoute('reopen', 'Takes up again what was dismissed or undone', 'It is found again.');

const runRoute = createRoute({
  method: 'post',
  path: `${base}/run`,
  summary: 'Looks for advice now',
  description:
    '`checks` asks all checks; `indexes` chooses indexes for the whole workload, and is refused on a standby. Answers when it is under way: ' +
    '`GET …/advice` says in `advisor` how far it is, and in `failure` why it ended without a result.',
  request: {
    query: queryOf(oneDatabaseQuery),
    body: { required: false, content: { 'application/json': { schema: runRequest } } },
  },
  responses: {
    202: { description: 'Under way', content: { 'application/json': { schema: advisorStatus } } },
    ...problemsOf(400, 401, 404, 409, 422, 503),
  },
});

/** What can be done about advice. */
export function adviceActionRoutes(app: Api, context: AppContext): void {
  app.openapi(runRoute, async (c) => {
    const { advisor, store, targetId } = await adviceOf(context, c.req.valid('query').database);
    const { kind = 'checks', budgetBytes } = c.req.valid('json');
    await advisor.run(kind, { by: askedBy(c), budgetBytes });
    return c.json(await presentAdvisor(advisor, store, targetId), 202);
  });

  async function act(
    c: Context<Env>,
    { database: name, id }: { database: string | undefined; id: number },
    action: 'apply' | 'undo' | 'dismiss' | 'reopen',
    { reason, force }: { reason?: string | undefined; force?: boolean | undefined },
  ) {
    const { database, advisor } = await adviceOf(context, name);
    refuseUnlessEnabled(context);
    const by = askedBy(c);
    const changed = await advisor[action](id, { by, reason, force: force ?? false });
    context.logger.info({ database, id, action, by, key: changed.key }, 'advice action on request');
    return c.json(presentAdvice(changed), 202);
  }

  app.openapi(applyRoute, (c) =>
    act(c, asked(c.req.valid('param'), c.req.valid('query')), 'apply', c.req.valid('json')),
  );
  app.openapi(undoRoute, (c) => act(c, asked(c.req.valid('param'), c.req.valid('query')), 'undo', c.req.valid('json')));
  app.openapi(dismissRoute, (c) =>
    act(c, asked(c.req.valid('param'), c.req.valid('query')), 'dismiss', c.req.valid('json')),
  );
  app.openapi(reopenRoute, (c) =>
    act(c, asked(c.req.valid('param'), c.req.valid('query')), 'reopen', c.req.valid('json')),
  );
}

function asked({ id }: { id: number }, { database }: { database?: string | undefined }) {
  return { id, database };
}
