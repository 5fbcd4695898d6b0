import { createRoute } from '@hono/zod-openapi';
import { analysisQuery, slowQuery } from '../../api/parameters.ts';
import { queryAnalysis, slowQueries } from '../../api/queries.ts';
import type { Api, AppContext } from '../../context.ts';
import { meanMsOf } from '../../present/statements.ts';
import { isoRange, ratio } from '../../present/values.ts';
import { pastOf } from '../../request/past.ts';
import { answers } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';
import { statementsQuery, summaries } from './list.ts';

const analysisRoute = createRoute({
  method: 'get',
  path: '/api/v1/database/queries/analysis',
  summary: 'All statements of a time range, sorted and filtered, with their sums',
  request: { query: queryOf(analysisQuery) },
  responses: answers(queryAnalysis, 'Statements and sums', 400, 404, 503),
});

const slowRoute = createRoute({
  method: 'get',
  path: '/api/v1/database/queries/slow',
  summary: 'Statements whose mean time is above the threshold',
  request: { query: queryOf(slowQuery) },
  responses: answers(slowQueries, 'Slow statements', 400, 404, 503),
});

/** Lists of statements: analysis and slow. */
export function statementRoutes(app: Api, context: AppContext): void {
  const slowMs = context.config.monitor.slowStatement;

  app.openapi(slowRoute, async (c) => {
    const query = c.req.valid('query');
    const past = pastOf(context, query);
    const { monitor, history } = past;
    const question = statementsQuery(past, query);
    const thresholdMs = query.thresholdMs ?? slowMs;
    const [answer, facets] = await Promise.all([
      history.statements({ ...question, minMeanUs: thresholdMs * 1000 }),
      history.statementFacets(question),
    ]);
    return c.json(
      {
        database: monitor.name,
        ...isoRange(answer),
        coveredSeconds: answer.coveredSeconds,
        count: answer.count,
        facets,
        thresholdMs,
        statements: await summaries(history, monitor, answer, slowMs),
      },
      200,
    );
  });

  app.openapi(analysisRoute, async (c) => {
    const query = c.req.valid('query');
    const past = pastOf(context, query);
    const { monitor, history } = past;
    const question = statementsQuery(past, query);
    const { from, to, targetId } = question;
    const [answer, slow, own, facets] = await Promise.all([
      history.statements(question),
      history.statements({ ...question, minMeanUs: slowMs * 1000, limit: 1, offset: 0 }),
      history.statements({ targetId, from, to, own: 'only', orderBy: 'totalExecUs', limit: 1 }),
      history.statementFacets(question),
    ]);
    const { totals, coveredSeconds } = answer;
    return c.json(
      {
        database: monitor.name,
        ...isoRange(answer),
        coveredSeconds,
        count: answer.count,
        facets,
        statements: await summaries(history, monitor, answer, slowMs),
        totals: {
          calls: totals.calls,
          rows: totals.rows,
          totalMs: totals.totalExecUs / 1000,
          meanMs: meanMsOf(totals),
          slowCalls: slow.totals.calls,
          sharedRead: totals.sharedRead,
          sharedHit: totals.sharedHit,
          tempWritten: totals.tempWritten,
          walBytes: totals.walBytes,
        },
        ownCost: {
          calls: own.totals.calls,
          totalMs: own.totals.totalExecUs / 1000,
          msPerSecond: ratio(own.totals.totalExecUs / 1000, own.coveredSeconds),
          tempWritten: own.totals.tempWritten,
        },
      },
      200,
    );
  });
}
