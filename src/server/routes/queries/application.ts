import { createRoute, z } from '@hono/zod-openapi';
import { PitcrewError } from '../../../errors.ts';
import type { ApplicationStatementsQuery } from '../../../ops/store/index.ts';
import { applicationStatementDetail, applicationStatements, repeatedCalls } from '../../api/applications.ts';
import {
  type ApplicationSort,
  applicationStatementsQuery,
  fingerprintPath,
  repeatedQuery,
  seriesQuery,
} from '../../api/parameters.ts';
import type { Api, AppContext } from '../../context.ts';
import {
  mergeFigures,
  presentCallers,
  presentCourse,
  presentRepeated,
  presentStatement,
  timesOf,
} from '../../present/applications.ts';
import { isoRange } from '../../present/values.ts';
import { courseOf, pastOf } from '../../request/past.ts';
import { answers } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/database/queries/application',
  summary: "Statements as applications measured them, also those that the server's statistics do not have",
  request: { query: queryOf(applicationStatementsQuery) },
  responses: answers(applicationStatements, 'Statements by fingerprint', 400, 404, 503),
});

const repeatedRoute = createRoute({
  method: 'get',
  path: '/api/v1/database/queries/repeated',
  summary: 'Statements that one line calls again and again within a request (N+1)',
  request: { query: queryOf(repeatedQuery) },
  responses: answers(repeatedCalls, 'Repeated calls, those with the most calls in a request first', 400, 404, 503),
});

const detailRoute = createRoute({
  method: 'get',
  path: '/api/v1/database/queries/application/{fingerprint}',
  summary: 'One statement as applications measured it, who calls it, and its course',
  request: { params: z.object(fingerprintPath), query: queryOf(seriesQuery) },
  responses: answers(applicationStatementDetail, 'The statement', 400, 404, 503),
});

const orderBy: Record<ApplicationSort, ApplicationStatementsQuery['orderBy']> = {
  totalMs: 'totalUs',
  calls: 'calls',
  errors: 'errors',
  rows: 'rows',
  maxMs: 'maxUs',
  meanMs: 'meanUs',
};

/** Statements from the applications' side. */
export function applicationQueryRoutes(app: Api, context: AppContext): void {
  app.openapi(listRoute, async (c) => {
    const query = c.req.valid('query');
    const { monitor, targetId, range, history } = pastOf(context, query);
    const answer = await history.applicationStatements({
      targetId,
      from: range.from,
      to: range.to,
      ...(query.search === undefined ? {} : { search: query.search }),
      ...(query.application === undefined ? {} : { application: query.application }),
      unmatched: query.unmatched === 'true',
      orderBy: orderBy[query.sort],
      descending: query.order === 'desc',
      limit: query.limit,
      offset: query.offset,
    });
    const statements = answer.statements.map(presentStatement);
    return c.json({ database: monitor.name, ...isoRange(answer), count: answer.count, statements }, 200);
  });

  app.openapi(repeatedRoute, async (c) => {
    const query = c.req.valid('query');
    const { monitor, targetId, range, history } = pastOf(context, query);
    const { from, to } = range;
    const repeated = await history.repeatedCalls({ targetId, from, to, limit: query.limit });
    return c.json({ database: monitor.name, ...isoRange(range), repeated: repeated.map(presentRepeated) }, 200);
  });

  app.openapi(detailRoute, async (c) => {
    const { fingerprint } = c.req.valid('param');
    const query = c.req.valid('query');
    const past = pastOf(context, query);
    const { monitor, targetId, history } = past;
    const statement = await history.applicationStatement({ targetId, fingerprint });
    if (!statement) {
      throw new PitcrewError('E_NOT_FOUND', `no application has reported a statement ${fingerprint}`, {
        hint: 'Fingerprints come from /api/v1/database/queries/application and belong to one database.',
      });
    }
    const course = await courseOf(past, query);
    const series = await history.applicationSeries({ targetId, ...course, fingerprint });
    const { from, to, step } = series;
    const callers = await history.callers({ targetId, from, to, fingerprint });
    const figures = mergeFigures(series.points);
    const at = timesOf(series);
    return c.json(
      {
        database: monitor.name,
        ...isoRange(series),
        step,
        statement: presentStatement({ ...statement, ...figures }),
        ...presentCallers(callers, figures.calls, { ...statement, id: statement.statements[0] ?? null }),
        series: { at, ...presentCourse(series, at) },
      },
      200,
    );
  });
}
