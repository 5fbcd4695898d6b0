import { createRoute } from '@hono/zod-openapi';
import { toPitcrewError } from '../../errors.ts';
import { verdicts } from '../../ops/monitor/index.ts';
import type { DatabaseMonitor, LatestMetric } from '../../ops/monitor/index.ts';
import type { Series, SeriesAnswer } from '../../ops/store/index.ts';
import { dashboardQuery } from '../api/parameters.ts';
import { type Dashboard, dashboard } from '../api/performance.ts';
import { type Api, type AppContext, historyOf, pickMonitor } from '../context.ts';
import { figureMetrics, figures } from '../present/figures.ts';
import { presentHealth } from '../present/health.ts';
import { along, timeAxis } from '../present/metrics.ts';
import { knownCourse } from '../request/known-range.ts';
import { type Range, rangeOf } from '../request/range.ts';
import { answers } from '../request/respond.ts';
import { queryOf } from '../request/validate.ts';
import { isoRange } from '../present/values.ts';
import { summaries } from './queries/list.ts';

const route = createRoute({
  method: 'get',
  path: '/api/v1/database/performance/dashboard',
  summary: 'Everything on the first page: verdicts, figures, active sessions, top statements',
  description: 'Never fails because the store or the database is away: `notices` says what is missing and why.',
  request: { query: queryOf(dashboardQuery) },
  responses: answers(dashboard, 'The first page', 400, 404),
});

const topStatements = 10;
/** Points of the charts on the first page. */
const chartPoints = 120;

/** The first page. */
export function dashboardRoutes(app: Api, context: AppContext): void {
  app.openapi(route, async (c) => {
    const query = c.req.valid('query');
    const monitor = pickMonitor(context, query.database);
    const past = await readPast(context, monitor, rangeOf(query, chartPoints));
    const report = monitor.health();
    const { server } = monitor.status();
    const activity = monitor.activity();
    const byWait = activity?.byWait ?? {};
    return c.json(
      {
        database: monitor.name,
        at: new Date().toISOString(),
        ...isoRange(past.range),
        step: past.series?.step ?? past.range.step,
        health: presentHealth(monitor),
        verdicts: verdicts(report),
        figures: figures(latestOf(monitor), past.series, report.checks, server?.database),
        activity: {
          cpus: server?.cpus ?? null,
          active: activity === undefined ? null : Object.values(byWait).reduce((sum, count) => sum + count, 0),
          byWait,
          byState: activity?.byState ?? {},
          waits: waitsOf(past.series),
        },
        statements: past.statements,
        notices: [...connectionNotice(monitor), ...past.notices],
      },
      200,
    );
  });
}

interface Past {
  /** What the charts show: the asked range, or what is known of it. */
  range: Range;
  series: SeriesAnswer | undefined;
  statements: Dashboard['statements'];
  notices: Dashboard['notices'];
}

/** What only history knows; without a store that answers, nothing and the reason. */
async function readPast(context: AppContext, monitor: DatabaseMonitor, asked: Range): Promise<Past> {
  const { targetId } = monitor;
  try {
    const history = historyOf(context);
    const range = await knownCourse(history, targetId, asked, chartPoints);
    const { from, to } = range;
    const [series, top] = await Promise.all([
      history.series({ targetId, ...range, names: [...figureMetrics, 'sessions.active_by_wait'] }),
      history.statements({ targetId, from, to, orderBy: 'totalExecUs', descending: true, limit: topStatements }),
    ]);
    return {
      range,
      series,
      statements: await summaries(history, monitor, top, context.config.monitor.slowStatement),
      notices: [],
    };
  } catch (thrown) {
    const { code, message, detail, hint } = toPitcrewError(thrown);
    if (code !== 'E_STORE_UNAVAILABLE') throw thrown;
    const text = detail === undefined ? message : `${message}: ${detail}`;
    return { range: asked, series: undefined, statements: [], notices: [{ code, message: text, hint: hint ?? null }] };
  }
}

/** Values of a moment ago are not those of now once the database cannot be asked. */
function latestOf(monitor: DatabaseMonitor): ReturnType<DatabaseMonitor['latest']> {
  return monitor.status().connection === 'watching' ? monitor.latest() : new Map<string, LatestMetric>();
}

function connectionNotice(monitor: DatabaseMonitor): Dashboard['notices'] {
  const { connection, message, hint } = monitor.status();
  if (connection === 'watching') return [];
  return [{ code: connection, message: message ?? `The database is not being watched: ${connection}`, hint }];
}

/** Sessions by wait class. When sessions were looked at and none was in a class, there were none: 0, not unknown. */
function waitsOf(series: SeriesAnswer | undefined): Dashboard['activity']['waits'] {
  const all = series?.series ?? [];
  const at = timeAxis(all);
  const waits = all.filter(({ name }) => name === 'sessions.active_by_wait');
  const seen = all.filter(({ name }) => name === 'sessions.total' || name === 'sessions.active_by_wait');
  const known = new Set(seen.flatMap(({ points }) => points.flatMap((p) => (p.value === null ? [] : [p.at]))));
  const valuesOf = (wait: Series): (number | null)[] =>
    along(wait, at, 'value').map((value, index) => value ?? (known.has(at[index] ?? 0) ? 0 : null));
  return { at, classes: waits.map((wait) => ({ class: wait.labels.class ?? '', values: valuesOf(wait) })) };
}
