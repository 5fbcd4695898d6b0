import { createRoute, z } from '@hono/zod-openapi';
import { PitcrewError } from '../../../errors.ts';
import { applicationDetail, applications } from '../../api/applications.ts';
import { applicationPath, dashboardQuery, seriesQuery } from '../../api/parameters.ts';
import type { Api, AppContext } from '../../context.ts';
import { presentActivities } from '../../present/activities.ts';
import { presentApplication, presentCourse, presentPools, timesOf } from '../../present/applications.ts';
import { isoRange } from '../../present/values.ts';
import { courseOf, pastOf } from '../../request/past.ts';
import { answers } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';

const listRoute = createRoute({
  method: 'get',
  path: '/api/v1/database/applications',
  summary: 'Applications that report, with what they measured in the range and their pools now',
  request: { query: queryOf(dashboardQuery) },
  responses: answers(applications, 'Applications, the busiest first', 400, 404, 503),
});

const detailRoute = createRoute({
  method: 'get',
  path: '/api/v1/database/applications/{name}',
  summary: 'One application with its course, that of its pools, its requests and its timers',
  request: { params: z.object(applicationPath), query: queryOf(seriesQuery) },
  responses: answers(applicationDetail, 'The application', 400, 404, 503),
});

/** Applications and their pools. */
export function applicationRoutes(app: Api, context: AppContext): void {
  app.openapi(listRoute, async (c) => {
    const { monitor, targetId, range, history } = pastOf(context, c.req.valid('query'));
    const { from, to } = range;
    const [totals, now] = await Promise.all([
      history.applications({ targetId, from, to }),
      history.applicationsNow({ targetId, now: new Date() }),
    ]);
    const seconds = (to.getTime() - from.getTime()) / 1000;
    const list = totals.map((each) =>
      presentApplication(
        each,
        now.find(({ name }) => name === each.name),
        seconds,
      ),
    );
    return c.json({ database: monitor.name, ...isoRange(range), applications: list }, 200);
  });

  app.openapi(detailRoute, async (c) => {
    const { name } = c.req.valid('param');
    const query = c.req.valid('query');
    const past = pastOf(context, query);
    const { monitor, targetId, range, history } = past;
    const course = await courseOf(past, query);
    const [totals, now, series, activities, waits] = await Promise.all([
      history.applications({ targetId, from: range.from, to: range.to }),
      history.applicationsNow({ targetId, now: new Date() }),
      history.applicationSeries({ targetId, ...course, application: name }),
      history.activities({ targetId, from: range.from, to: range.to, application: name }),
      history.activitySeries({ targetId, ...course, application: name, kind: 'pool' }),
    ]);
    const found = totals.find((each) => each.name === name);
    if (!found) {
      throw new PitcrewError('E_NOT_FOUND', 'no such application', {
        detail: `${JSON.stringify(name)} has not reported in this range for "${monitor.name}".`,
        hint: 'GET /api/v1/database/applications lists those that have.',
      });
    }
    const pools = await history.series({
      targetId,
      from: series.from,
      to: series.to,
      step: series.step,
      names: ['application.*'],
      labels: { application: name },
    });
    const seconds = (range.to.getTime() - range.from.getTime()) / 1000;
    const at = timesOf(series);
    return c.json(
      {
        database: monitor.name,
        ...isoRange(series),
        step: series.step,
        application: presentApplication(
          found,
          now.find((each) => each.name === name),
          seconds,
        ),
        series: { at, ...presentCourse(series, at) },
        pools: presentPools(pools.series, at),
        ...presentActivities(activities, seconds, waits, at),
      },
      200,
    );
  });
}
