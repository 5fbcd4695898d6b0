import { createRoute, type z } from '@hono/zod-openapi';
import { PitcrewError } from '../../../errors.ts';
import { type PlanContext, planFindings, readPlan, rewriteCatalog, tablesNamed } from '../../../ops/advisor/index.ts';
import type { DatabaseMonitor } from '../../../ops/monitor/index.ts';
import { loadParser, type Rewrite, rewritesOf } from '../../../sql/index.ts';
import { oneDatabaseQuery } from '../../api/parameters.ts';
import { type AnalyzeAnswer, analyzeAnswer, analyzeRequest } from '../../api/queries.ts';
import { type Api, type AppContext, historyOf, pickMonitor } from '../../context.ts';
import { presentNodes } from '../../present/plans.ts';
import { answers } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';

const route = createRoute({
  method: 'post',
  path: '/api/v1/database/queries/analyze',
  summary:
    'The plan of a statement (EXPLAIN; the statement is not run), what stands out in it, and better ways to write it',
  request: {
    query: queryOf(oneDatabaseQuery),
    body: { required: true, content: { 'application/json': { schema: analyzeRequest } } },
  },
  responses: answers(analyzeAnswer, 'The plan', 400, 404, 413, 415, 422, 503),
});

/** Plans on demand. */
export function analyzeRoutes(app: Api, context: AppContext): void {
  /** The text to plan: the given one, or that of a known statement. */
  async function textOf(targetId: number, { query, id }: AnalyzeRequest): Promise<string> {
    if (query !== undefined) return query;
    const statement = await historyOf(context).statement(targetId, id ?? 0);
    if (!statement) throw new PitcrewError('E_NOT_FOUND', `no statement ${id}`);
    if (statement.text !== null) return statement.text;
    throw new PitcrewError('E_UNSUPPORTED', 'the text of this statement cannot be read', {
      hint: 'GRANT pg_read_all_stats TO the role that Pitcrew connects as.',
    });
  }

  app.openapi(route, async (c) => {
    const request = c.req.valid('json');
    const monitor = pickMonitor(context, c.req.valid('query').database);
    const given = [request.query, request.id, request.plan].filter((each) => each !== undefined);
    if (given.length !== 1) {
      throw new PitcrewError('E_BAD_REQUEST', 'bad request body', {
        detail: 'One of "query", "id" and "plan" is needed.',
      });
    }
    if (request.plan !== undefined) return c.json(await readGiven(monitor, request.plan), 200);
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
        executed: false,
        nodes: presentNodes(answer.plan),
        findings: planFindings(answer.plan, planContext(monitor)),
        rewrites: await rewritesFor(monitor, text),
      },
      200,
    );
  });
}

type AnalyzeRequest = z.output<typeof analyzeRequest>;

/** Reads a plan that was made elsewhere. */
async function readGiven(monitor: DatabaseMonitor, text: string): Promise<AnalyzeAnswer> {
  const { plan, json } = readPlan(text);
  const query = plan.queryText ?? null;
  return {
    database: monitor.name,
    query,
    generic: false,
    totalCost: plan.root.totalCost ?? null,
    text,
    plan: json,
    executed: plan.executed,
    nodes: presentNodes(json),
    // It may be of another server: what is known of this one is not used.
    findings: planFindings(json),
    rewrites: query === null ? [] : await rewritesFor(undefined, query),
  };
}

/** Better ways to write a statement, as far as it can be parsed; what cannot be asked of the database is not known. */
async function rewritesFor(monitor: DatabaseMonitor | undefined, text: string): Promise<Rewrite[]> {
  await loadParser();
  const columns = await monitor?.columns(tablesNamed(text)).catch(() => undefined);
  return [...(rewritesOf(text, columns && rewriteCatalog(columns)).rewrites ?? [])];
}

/** What the plan alone does not say: how large the tables are, and from where on a sort or hash spills. */
export function planContext(monitor: DatabaseMonitor): PlanContext {
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
