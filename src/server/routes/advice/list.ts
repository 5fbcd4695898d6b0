import { createRoute } from '@hono/zod-openapi';
import { PitcrewError } from '../../../errors.ts';
import type { CheckReport } from '../../../ops/advisor/index.ts';
import { adviceAudit, adviceDetail, type AdviceList, adviceList, preflight } from '../../api/advice.ts';
import { adviceQuery, auditQuery, idPath, oneDatabaseQuery, preflightQuery } from '../../api/parameters.ts';
import type { Api, AppContext } from '../../context.ts';
import { findingOf, presentAdvice, presentAdvisor, presentChange, presentDetail } from '../../present/advice.ts';
import { answers } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';
import { adviceOf } from './desk.ts';

const base = '/api/v1/database/advice';

const listRoute = createRoute({
  method: 'get',
  path: base,
  summary: 'Advice: what could be better, what is being done about it, and what came of it',
  description:
    'A page of it, the gravest first. Without `state`, what is over and long settled (`resolved`) is left out.',
  request: { query: queryOf(adviceQuery) },
  responses: answers(adviceList, 'Advice', 400, 404, 422, 503),
});

const auditRoute = createRoute({
  method: 'get',
  path: `${base}/audit`,
  summary: 'Every statement by which Pitcrew changed the database',
  description: 'Written down before it ran, and completed after. For older ones, ask with `before` the smallest `id`.',
  request: { query: queryOf(auditQuery) },
  responses: answers(adviceAudit, 'The log of changes', 400, 404, 422, 503),
});

const detailRoute = createRoute({
  method: 'get',
  path: `${base}/{id}`,
  summary: 'One piece of advice: evidence, statements, risk, measurement, history',
  request: { params: idPath, query: queryOf(oneDatabaseQuery) },
  responses: answers(adviceDetail, 'The advice', 400, 404, 422, 503),
});

const preflightRoute = createRoute({
  method: 'get',
  path: `${base}/{id}/preflight`,
  summary: 'What stands against applying or undoing it now',
  description: 'Asks the database, and changes nothing.',
  request: { params: idPath, query: queryOf(preflightQuery) },
  responses: answers(preflight, 'Refusals and doubts', 400, 404, 409, 422, 502, 503),
});

/** Reading advice. */
export function adviceRoutes(app: Api, context: AppContext): void {
  app.openapi(listRoute, async (c) => {
    const { database: name, state, sort, order, ...asked } = c.req.valid('query');
    const { database, targetId, advisor, store } = await adviceOf(context, name);
    const [{ advice, ...found }, status, last] = await Promise.all([
      store.page({ targetId, ...asked, states: state, orderBy: sort, descending: order === 'desc' }),
      presentAdvisor(advisor, store, targetId),
      store.lastRun({ targetId, kind: 'checks', finished: true }),
    ]);
    return c.json(
      {
        database,
        actionsEnabled: context.config.actions.advice,
        advisor: status,
        ...found,
        advice: advice.map(presentAdvice),
        untold: untoldIn(last?.report as CheckReport | null | undefined),
      },
      200,
    );
  });

  app.openapi(auditRoute, async (c) => {
    const { database: name, limit, before } = c.req.valid('query');
    const { database, targetId, store } = await adviceOf(context, name);
    const changes = await store.changes({ targetId, limit, ...(before === undefined ? {} : { before }) });
    return c.json({ database, changes: changes.map(presentChange) }, 200);
  });

  app.openapi(detailRoute, async (c) => {
    const { id } = c.req.valid('param');
    const { database, targetId, store } = await adviceOf(context, c.req.valid('query').database);
    const advice = await store.get(targetId, id);
    if (!advice) throw notFound(database, id);
    const [events, changes] = await Promise.all([
      store.events(id),
      store.changes({ targetId, adviceId: id, limit: 200 }),
    ]);
    return c.json(presentDetail(database, context.config.actions.advice, advice, events, changes), 200);
  });

  app.openapi(preflightRoute, async (c) => {
    const { id } = c.req.valid('param');
    const { database: name, purpose } = c.req.valid('query');
    const { database, targetId, advisor, store } = await adviceOf(context, name);
    const advice = await store.get(targetId, id);
    if (!advice) throw notFound(database, id);
    const found = await advisor.inspect(id, purpose);
    const { remedy } = findingOf(advice);
    return c.json({ ...found, statements: [...((purpose === 'apply' ? remedy?.fix : remedy?.undo) ?? [])] }, 200);
  });
}

function untoldIn(report: CheckReport | null | undefined): AdviceList['untold'] {
  return (report?.answers ?? []).flatMap(({ check, title, status, more = 0, message }) =>
    status === 'unknown' || more > 0 ? [{ check, title, message }] : [],
  );
}

function notFound(database: string, id: number): PitcrewError {
  return new PitcrewError('E_NOT_FOUND', `there is no advice ${id}`, {
    detail: `None of that number is known for "${database}".`,
    hint: 'GET /api/v1/database/advice lists it.',
  });
}
