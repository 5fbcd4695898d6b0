import { createRoute } from '@hono/zod-openapi';
import { statementPattern } from '../../../sql/index.ts';
import { patternsQuery } from '../../api/parameters.ts';
import { queryPatterns } from '../../api/queries.ts';
import type { Api, AppContext } from '../../context.ts';
import { groupByPattern, sumSparks, trendOf } from '../../present/patterns.ts';
import { meanMsOf } from '../../present/statements.ts';
import { isoRange, ratio } from '../../present/values.ts';
import { pastOf } from '../../request/past.ts';
import { rangeBefore } from '../../request/range.ts';
import { answers } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';
import { executionTime, filters, readSparks } from './list.ts';

/** Statements that are grouped at most, by execution time; beyond them lies what hardly runs. */
const groupedStatements = 2000;

const route = createRoute({
  method: 'get',
  path: '/api/v1/database/queries/patterns',
  summary: 'Statements grouped by shape, and how each group changed against the range before',
  request: { query: queryOf(patternsQuery) },
  responses: answers(queryPatterns, 'Patterns, most execution time first', 400, 404, 503),
});

/** Statements by shape. */
export function patternRoutes(app: Api, context: AppContext): void {
  app.openapi(route, async (c) => {
    const query = c.req.valid('query');
    const { monitor, targetId, range, history } = pastOf(context, query);
    const { from, to } = range;
    const common = { targetId, ...filters(query), orderBy: 'totalExecUs', limit: groupedStatements } as const;
    const [now, before, allExecUs] = await Promise.all([
      history.statements({ ...common, from, to }),
      history.statements({ ...common, ...rangeBefore({ from, to }) }),
      executionTime(history, monitor, { from, to }),
    ]);
    const groups = groupByPattern(now.statements, before.statements, statementPattern).slice(0, query.limit);
    const ids = [...new Set(groups.flatMap((group) => group.ids))];
    const series = await readSparks(history, monitor, { from, to }, ids);
    const covered = { now: now.coveredSeconds, before: before.coveredSeconds };
    const whole = Math.max(allExecUs, now.totals.totalExecUs);
    return c.json(
      {
        database: monitor.name,
        ...isoRange(now),
        coveredSeconds: now.coveredSeconds,
        patterns: groups.map((group) => ({
          pattern: group.pattern,
          kind: group.kind,
          tables: group.tables,
          statements: group.ids,
          calls: group.now.calls,
          totalMs: group.now.totalExecUs / 1000,
          meanMs: meanMsOf(group.now),
          rows: group.now.rows,
          share: ratio(group.now.totalExecUs, whole) ?? 0,
          trend: trendOf(group, covered),
          spark: sumSparks(group.ids, series),
        })),
      },
      200,
    );
  });
}
