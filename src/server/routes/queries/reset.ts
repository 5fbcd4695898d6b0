import { createRoute } from '@hono/zod-openapi';
import { PitcrewError } from '../../../errors.ts';
import { oneDatabaseQuery, resetAnswer } from '../../api/parameters.ts';
import { type Api, type AppContext, pickMonitor } from '../../context.ts';
import { answers } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';

const route = createRoute({
  method: 'post',
  path: '/api/v1/database/queries/reset',
  summary: 'Resets pg_stat_statements on the server, when the settings allow it; the history kept here stays',
  request: { query: queryOf(oneDatabaseQuery) },
  responses: answers(resetAnswer, 'Done', 400, 404, 422, 502, 503),
});

/** Reset of the server's statistics. */
export function resetRoutes(app: Api, context: AppContext): void {
  app.openapi(route, async (c) => {
    const monitor = pickMonitor(context, c.req.valid('query').database);
    if (!context.config.actions.resetStatistics) {
      throw new PitcrewError('E_FORBIDDEN', 'resetting statistics is not enabled', {
        detail: 'The setting actions.resetStatistics is false.',
        hint: 'Set it in the config file, or PITCREW_ACTIONS_RESET_STATISTICS=true.',
      });
    }
    await monitor.resetStatements();
    context.logger.info({ database: monitor.name }, 'statement statistics reset on request');
    return c.json({ database: monitor.name, done: true }, 200);
  });
}
