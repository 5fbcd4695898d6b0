import { createRoute } from '@hono/zod-openapi';
import { oneDatabaseQuery } from '../api/parameters.ts';
import { health } from '../api/performance.ts';
import { type Api, type AppContext, pickMonitor } from '../context.ts';
import { presentHealth } from '../present/health.ts';
import { answers } from '../request/respond.ts';
import { queryOf } from '../request/validate.ts';

const route = createRoute({
  method: 'get',
  path: '/api/v1/database/performance/health',
  summary: 'Health score, grade and checks',
  description: 'Status 200 also when the database is ill: `status` and `score` say so.',
  request: { query: queryOf(oneDatabaseQuery) },
  responses: answers(health, 'The health report', 400, 404),
});

/** The health score. */
export function healthRoutes(app: Api, context: AppContext): void {
  app.openapi(route, (c) => c.json(presentHealth(pickMonitor(context, c.req.valid('query').database)), 200));
}
