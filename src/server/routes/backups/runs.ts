import { createRoute } from '@hono/zod-openapi';
import { PitcrewError } from '../../../errors.ts';
import { backupRunDetail, backupRuns } from '../../api/backups.ts';
import { backupRunsQuery, idPath, oneDatabaseQuery } from '../../api/parameters.ts';
import type { Api, AppContext } from '../../context.ts';
import { presentRun, presentRunDetail } from '../../present/backups.ts';
import { answers } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';
import { backupsOf, backupsPath } from './desk.ts';

const runsRoute = createRoute({
  method: 'get',
  path: `${backupsPath}/runs`,
  summary: 'What was done for backups, and how it went',
  description: 'A page of it, the youngest first. Of each kind the latest 500 are kept.',
  request: { query: queryOf(backupRunsQuery) },
  responses: answers(backupRuns, 'Runs', 400, 404, 422, 503),
});

const runRoute = createRoute({
  method: 'get',
  path: `${backupsPath}/runs/{id}`,
  summary: 'One run, with what it told',
  request: { params: idPath, query: queryOf(oneDatabaseQuery) },
  responses: answers(backupRunDetail, 'The run', 400, 404, 422, 503),
});

/** Reading how runs went. */
export function backupRunRoutes(app: Api, context: AppContext): void {
  app.openapi(runsRoute, async (c) => {
    const { database: name, kind, state, limit, offset } = c.req.valid('query');
    const { database, targetId, store } = await backupsOf(context, name);
    const { count, runs } = await store.runs({ targetId, kinds: kind, states: state, limit, offset });
    return c.json({ database, count, runs: runs.map(presentRun) }, 200);
  });

  app.openapi(runRoute, async (c) => {
    const { id } = c.req.valid('param');
    const { database, targetId, store } = await backupsOf(context, c.req.valid('query').database);
    const run = await store.run(targetId, id);
    if (!run) {
      throw new PitcrewError('E_NOT_FOUND', `there is no run ${id}`, {
        detail: `None of that number is known for "${database}".`,
        hint: 'GET /api/v1/database/backups/runs lists them.',
      });
    }
    return c.json(presentRunDetail(database, run, await store.lines(id)), 200);
  });
}
