import { createRoute } from '@hono/zod-openapi';
import { PitcrewError } from '../../../errors.ts';
import { planFindings } from '../../../ops/advisor/index.ts';
import { idPath, oneDatabaseQuery } from '../../api/parameters.ts';
import { queryPlans } from '../../api/plans.ts';
import { type Api, type AppContext, historyOf, pickMonitor } from '../../context.ts';
import { presentChange, presentNodes, presentPlan } from '../../present/plans.ts';
import { answers } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';
import { planContext } from './analyze.ts';

const route = createRoute({
  method: 'get',
  path: '/api/v1/database/queries/{id}/plans',
  summary: 'Plans that a statement has or had, with what stands out in them, and when they changed',
  request: { params: idPath, query: queryOf(oneDatabaseQuery) },
  responses: answers(queryPlans, 'The plans', 400, 404, 503),
});

/** Plans that were kept. */
export function planRoutes(app: Api, context: AppContext): void {
  app.openapi(route, async (c) => {
    const { id } = c.req.valid('param');
    const monitor = pickMonitor(context, c.req.valid('query').database);
    const { targetId } = monitor;
    const history = historyOf(context);
    if (!(await history.statement(targetId, id))) {
      throw new PitcrewError('E_NOT_FOUND', `no statement ${id} of "${monitor.name}"`);
    }
    const { plans, changes } = await history.plans({ targetId, statementId: id });
    const known = planContext(monitor);
    return c.json(
      {
        database: monitor.name,
        id,
        plans: plans.map((plan, index) => ({
          ...presentPlan(plan, index === 0),
          plan: plan.plan,
          nodes: presentNodes(plan.plan),
          findings: planFindings(plan.plan, known),
        })),
        planChanges: changes.map((change) => presentChange(change)),
      },
      200,
    );
  });
}
