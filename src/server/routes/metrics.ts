import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { nearest } from '../../config/index.ts';
import { PitcrewError } from '../../errors.ts';
import type { DatabaseMonitor } from '../../ops/monitor/index.ts';
import { metricsQuery } from '../api/parameters.ts';
import { metrics } from '../api/performance.ts';
import { type Api, type AppContext, type Env, historyOf, pickMonitor } from '../context.ts';
import { alignedSeries, metricNames } from '../present/metrics.ts';
import { createApplicationFamilies } from '../prometheus/applications.ts';
import { backupFamilies } from '../prometheus/backups.ts';
import { daemonFamilies } from '../prometheus/daemon.ts';
import { contentTypes, formatOf, renderFamilies } from '../prometheus/exposition.ts';
import { instanceFamilies, watchFamilies } from '../prometheus/instance.ts';
import { createStatementFamilies } from '../prometheus/statements.ts';
import { rangeOf } from '../request/range.ts';
import { answers, problemsOf } from '../request/respond.ts';
import { queryOf } from '../request/validate.ts';

const historyRoute = createRoute({
  method: 'get',
  path: '/api/v1/database/performance/metrics',
  summary: 'History of metrics, or their latest values for Prometheus',
  request: { query: queryOf(metricsQuery) },
  responses: {
    ...answers(metrics, 'Series over one time axis; with format=prometheus, Prometheus text', 400, 404, 503),
    200: {
      description: 'Series over one time axis; with format=prometheus, Prometheus text',
      content: { 'application/json': { schema: metrics }, 'text/plain': { schema: z.string() } },
    },
  },
});

const scrapeRoute = createRoute({
  method: 'get',
  path: '/metrics',
  summary: 'Latest values of everything for Prometheus (OpenMetrics when asked for)',
  request: { query: queryOf({}) },
  responses: {
    200: { description: 'Prometheus text', content: { 'text/plain': { schema: z.string() } } },
    ...problemsOf(400, 401),
  },
});

/** Metrics as history and for Prometheus. */
export function metricRoutes(app: Api, context: AppContext): void {
  const statementFamilies = createStatementFamilies(context.store, context.config.monitor.topStatements);
  const applicationFamilies = createApplicationFamilies(context.store);

  async function scrape(c: Context<Env>, monitors: readonly DatabaseMonitor[]) {
    const format = formatOf(c.req.header('accept'));
    const families = [
      ...watchFamilies(monitors),
      ...instanceFamilies(monitors),
      ...(await statementFamilies(monitors)),
      ...(await applicationFamilies(monitors)),
      ...backupFamilies((context.backups ?? []).filter(({ name }) => monitors.some((each) => each.name === name))),
      ...daemonFamilies(context.version, context.store),
    ];
    return c.text(renderFamilies(families, format), 200, { 'content-type': contentTypes[format] });
  }

  app.openapi(scrapeRoute, (c) => scrape(c, context.monitors));

  app.openapi(historyRoute, async (c) => {
    const query = c.req.valid('query');
    const monitor = pickMonitor(context, query.database);
    if (query.format === 'prometheus') return scrape(c, query.database === undefined ? context.monitors : [monitor]);
    const question = { targetId: monitor.targetId, ...rangeOf(query), names: wanted(query.names) };
    const answer = await historyOf(context).series(question);
    return c.json(alignedSeries(monitor.name, answer), 200);
  });
}

/** Names to ask the store for: those given, checked, or all. */
function wanted(text: string | undefined): string[] {
  const families = [...new Set(metricNames.map((name) => `${name.split('.')[0]}.*`))];
  if (text === undefined) return families;
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const known: readonly string[] = [...metricNames, ...families];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined && names.length > 0) return [...new Set(names)];
  const near = nearest(unknown ?? '', known);
  throw new PitcrewError('E_BAD_REQUEST', 'bad parameter', {
    detail: `names: found ${JSON.stringify(unknown ?? text)}; names of metrics, or ${families.join(', ')} are allowed`,
    hint: near === undefined ? undefined : `Did you mean "${near}"?`,
  });
}
