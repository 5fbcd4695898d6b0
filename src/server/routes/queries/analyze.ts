import { createRoute } from '@hono/zod-openapi';
import { PitcrewError } from '../../../errors.ts';
import { type PlanContext, planFindings } from '../../../ops/advisor/index.ts';
import type { DatabaseMonitor } from '../../../ops/monitor/index.ts';
import { oneDatabaseQuery } from '../../api/parameters.ts';
import { analyzeAnswer, analyzeRequest } from '../../api/queries.ts';
import { type Api, type AppContext, historyOf, pickMonitor } from '../../context.ts';
import { answers } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';

const route = createRoute({
  method: 'post',
  path: '/api/v1/database/queries/analyze',
  summary: 'The plan of a statement (EXPLAIN; the statement is not run) and what stands out in it',
  request: {
    query: queryOf(oneDatabaseQuery),
    body: { required: true, content: { 'application/json': { schema: analyzeRequest } } },
  },
  responses: answers(analyzeAnswer, 'The plan', 400, 404, 413, 415, 422, 503),
});

/** Plans on demand. */
export function analyzeRoutes(app: Api, context: AppContext): void {
  /** The text to plan: the given one, or that of a known statement. */
  async function textOf(
    targetId: number,
    request: { query?: string | undefined; id?: number | undefined },
  ): Promise<string> {
    if ((request.query === undefined) === (request.id === undefined)) {
      throw new PitcrewError('E_BAD_REQUEST', 'bad request body', { detail: 'Either "query" or "id" is needed.' });
    }
    if (request.query !== undefined) return request.query;
    const statement = await historyOf(context).statement(targetId, request.id ?? 0);
    if (!statement) throw new PitcrewError('E_NOT_FOUND', `no statement ${request.id}`);
    if (statement.text !== null) return statement.text;
    throw new PitcrewError('E_UNSUPPORTED', 'the text of this statement cannot be read', {
      hint: 'GRANT pg_read_all_stats TO the role that Pitcrew connects as.',
    });
  }

  app.openapi(route, async (c) => {
    const request = c.req.valid('json');
    const monitor = pickMonitor(context, c.req.valid('query').database);
    const text = await textOf(monitor.targetId, request);
    const answer = await monitor.explain({
      text,
      ...(request.searchPath === undefined ? {} : { searchPath: request.searchPath }),
    });
    return c.json(
      {
        database: monitor.name,
        query: text,
        generic: answer.generic,
        totalCost: answer.totalCost,
        text: answer.text,
        plan: answer.plan,
        findings: planFindings(answer.plan, planContext(monitor)),
      },
      200,
    );
  });
}

/** What the plan alone does not say: how large the tables are, and from where on a sort or hash spills. */
function planContext(monitor: DatabaseMonitor): PlanContext {
  const setting = (name: string): number | undefined => {
    const found = monitor.settings().find((each) => each.name === name);
    return found ? Number(found.value) : undefined;
  };
  const workMemKiB = setting('work_mem');
  const hashMemMultiplier = setting('hash_mem_multiplier');
  return {
    tables: monitor.tables(),
    ...(workMemKiB === undefined ? {} : { workMemBytes: workMemKiB * 1024 }),
    ...(hashMemMultiplier === undefined ? {} : { hashMemMultiplier }),
  };
}
