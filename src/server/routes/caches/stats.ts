import { createRoute } from '@hono/zod-openapi';
import { PitcrewError } from '../../../errors.ts';
import { cacheStats } from '../../api/caches.ts';
import { cacheStatsQuery } from '../../api/parameters.ts';
import type { Api, AppContext } from '../../context.ts';
import { presentCache, presentCacheCourse } from '../../present/caches.ts';
import { isoRange } from '../../present/values.ts';
import { courseOf, type Past, pastOf } from '../../request/past.ts';
import { answers } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';

const route = createRoute({
  method: 'get',
  path: '/api/v1/database/cache/stats',
  summary: 'Caches of applications: hits by tier, loads, evictions, invalidations, groups of keys, the change stream',
  description: 'With `application` and `cache` both given, the course of that cache too.',
  request: { query: queryOf(cacheStatsQuery) },
  responses: answers(cacheStats, 'Caches, by application and name', 400, 404, 503),
});

/** What applications tell of their caches. */
export function cacheStatsRoutes(app: Api, context: AppContext): void {
  app.openapi(route, async (c) => {
    const query = c.req.valid('query');
    const past = pastOf(context, query);
    const { monitor, targetId, range, history } = past;
    const { application, cache } = query;
    const { from, to } = range;
    const [found, now] = await Promise.all([
      history.caches({ targetId, from, to, application, cache }),
      history.cachesNow({ targetId, now: new Date() }),
    ]);
    if (found.length === 0 && (application ?? cache) !== undefined) throw await unknownCache(past, application, cache);
    const seconds = (to.getTime() - from.getTime()) / 1000;
    const caches = found.map((each) =>
      presentCache(
        each,
        now.find((live) => live.application === each.application && live.name === each.name),
        seconds,
      ),
    );
    const base = { database: monitor.name, actionsEnabled: context.config.actions.cache, caches };
    if (application === undefined || cache === undefined) {
      return c.json({ ...base, ...isoRange(range), step: null, course: null }, 200);
    }
    const series = await history.cacheSeries({ targetId, ...(await courseOf(past, query)), application, cache });
    const gauges = await history.series({
      targetId,
      from: series.from,
      to: series.to,
      step: series.step,
      names: ['cache.*'],
      labels: { application, cache },
    });
    const course = presentCacheCourse(series, gauges.series);
    return c.json({ ...base, ...isoRange(series), step: series.step, course }, 200);
  });
}

async function unknownCache(
  { monitor, targetId, range: { from, to }, history }: Past,
  application: string | undefined,
  cache: string | undefined,
): Promise<PitcrewError> {
  const known = await history.caches({ targetId, from, to });
  const names = known.slice(0, 20).map((each) => `${each.application}/${each.name}`);
  return new PitcrewError('E_NOT_FOUND', 'no such cache', {
    detail: `${application ?? '*'}/${cache ?? '*'} was not reported in this range for "${monitor.name}".`,
    hint: names.length === 0 ? 'None was: docs/cache.md says how to report one.' : `Reported: ${names.join(', ')}.`,
  });
}
