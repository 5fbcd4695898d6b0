import { createRoute } from '@hono/zod-openapi';
import { PitcrewError } from '../../../errors.ts';
import { type IndexReport, missingIndex, openStates } from '../../../ops/advisor/index.ts';
import type { AdviceRun, StoredAdvice } from '../../../ops/store/index.ts';
import { type IndexAnalysis, indexAnalysis, optimizeAnswer } from '../../api/indexes.ts';
import { indexesQuery, oneDatabaseQuery, optimizeRequest } from '../../api/parameters.ts';
import type { Api, AppContext } from '../../context.ts';
import { findingOf, presentAdvisor } from '../../present/advice.ts';
import { analysedTables } from '../../present/indexes.ts';
import { answers, problemsOf } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';
import { type AdviceOf, adviceOf, askedBy, refuseUnlessEnabled } from './desk.ts';

const analysisRoute = createRoute({
  method: 'get',
  path: '/api/v1/database/indexes/analysis',
  summary: 'Indexes by table, with what is wrong with them, what is advised, and the choice for the whole workload',
  request: { query: queryOf(indexesQuery) },
  responses: answers(indexAnalysis, 'Indexes', 400, 404, 422, 502, 503),
});

const optimizeRoute = createRoute({
  method: 'post',
  path: '/api/v1/database/indexes/optimize',
  summary: 'Chooses indexes for the whole workload, or applies those that were chosen',
  description:
    'Without `apply` it begins a choice, within `budgetBytes` where given; its result is in `GET …/indexes/analysis`. With `apply` it makes the ' +
    'indexes that are advised, one after the other, the greatest gain first, as far as `budgetBytes` goes: only with the setting ' +
    'actions.advice.',
  request: {
    query: queryOf(oneDatabaseQuery),
    body: { required: false, content: { 'application/json': { schema: optimizeRequest } } },
  },
  responses: {
    202: { description: 'Under way', content: { 'application/json': { schema: optimizeAnswer } } },
    ...problemsOf(400, 401, 404, 409, 422, 503),
  },
});

/** Indexes as a whole. */
export function indexRoutes(app: Api, context: AppContext): void {
  app.openapi(analysisRoute, async (c) => {
    const { database: name, search = '', limit, offset } = c.req.valid('query');
    const { database, targetId, advisor, store } = await adviceOf(context, name);
    const indexes = await advisor.indexes({ search, limit, offset });
    const tables = indexes.map(({ schema, table }) => ({ schema, name: table }));
    const [advice, last, status] = await Promise.all([
      store.list({ targetId, states: openStates, tables }),
      store.lastRun({ targetId, kind: 'indexes', finished: true }),
      presentAdvisor(advisor, store, targetId),
    ]);
    return c.json(
      {
        database,
        actionsEnabled: context.config.actions.advice,
        advisor: status,
        choice: choiceOf(last),
        count: indexes[0]?.tables ?? 0,
        tables: analysedTables(indexes, advice),
      },
      200,
    );
  });

  app.openapi(optimizeRoute, async (c) => {
    const desk = await adviceOf(context, c.req.valid('query').database);
    const { apply, budgetBytes } = c.req.valid('json');
    const { database, targetId, advisor, store } = desk;
    const by = askedBy(c);
    if (apply) refuseUnlessEnabled(context);
    const applying = apply ? await chosen(desk, budgetBytes) : [];
    if (apply) advisor.applyAll(applying, { by, reason: 'all advised indexes' });
    else await advisor.run('indexes', { by, budgetBytes });
    context.logger.info({ database, by, applying }, 'indexes optimized on request');
    return c.json({ database, advisor: await presentAdvisor(advisor, store, targetId), applying }, 202);
  });
}

/** Ids of advised indexes, the greatest gain first, as far as the budget goes. */
async function chosen({ targetId, store }: AdviceOf, budgetBytes = Infinity): Promise<number[]> {
  const advised = (await store.list({ targetId, states: ['found', 'planned'], kinds: ['create-index'] }))
    .filter(({ check }) => check === missingIndex)
    .toSorted((a, b) => shareOf(b) - shareOf(a));
  if (advised.length === 0) {
    throw new PitcrewError('E_CONFLICT', 'no index is advised', {
      hint: 'Ask without "apply" first: that chooses indexes for the workload.',
    });
  }
  let left = budgetBytes;
  return advised.flatMap((advice) => {
    const bytes = findingOf(advice).remedy?.needsBytes ?? 0;
    if (bytes > left) return [];
    left -= bytes;
    return [advice.id];
  });
}

function shareOf(advice: StoredAdvice): number {
  return findingOf(advice).gain?.workloadShare ?? 0;
}

function choiceOf(run: AdviceRun | undefined): IndexAnalysis['choice'] {
  if (!run?.report) return null;
  const { indexes, gaps, leftOut, ...report } = run.report as IndexReport;
  return {
    at: run.beganAt.toISOString(),
    ...report,
    indexes: indexes.length,
    gaps: [...gaps],
    leftOut: [...leftOut],
  };
}
