import { OpenAPIHono } from '@hono/zod-openapi';
import { compress } from 'hono/compress';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { nearest } from '../config/index.ts';
import { PitcrewError } from '../errors.ts';
import type { Api, AppContext, Env } from './context.ts';
import { openApiRoutes } from './openapi.ts';
import { createAuth } from './request/auth.ts';
import { limitBody } from './request/body.ts';
import { inflateBody } from './request/inflate.ts';
import { hostGuard, originGuard, securityHeaders } from './request/guard.ts';
import { requestLog } from './request/log.ts';
import { answerThrown, problemResponse } from './request/problem.ts';
import { refuseInvalid } from './request/validate.ts';
import { adviceActionRoutes } from './routes/advice/actions.ts';
import { indexRoutes } from './routes/advice/indexes.ts';
import { adviceRoutes } from './routes/advice/list.ts';
import { applicationRoutes } from './routes/applications/applications.ts';
import { ingestPath, ingestRoutes, maxReportBytes } from './routes/applications/ingest.ts';
import { backupActionRoutes } from './routes/backups/actions.ts';
import { backupRoutes } from './routes/backups/list.ts';
import { backupRunRoutes } from './routes/backups/runs.ts';
import { cacheCommandRoutes } from './routes/caches/commands.ts';
import { cacheStatsRoutes } from './routes/caches/stats.ts';
import { dashboardRoutes } from './routes/dashboard.ts';
import { eventRoutes } from './routes/events.ts';
import { healthRoutes } from './routes/health.ts';
import { metricRoutes } from './routes/metrics.ts';
import { livenessRoutes, readinessRoutes } from './routes/probes.ts';
import { analyzeRoutes } from './routes/queries/analyze.ts';
import { planRoutes } from './routes/queries/plans.ts';
import { statementRoutes } from './routes/queries/analysis.ts';
import { applicationQueryRoutes } from './routes/queries/application.ts';
import { queryDetailRoutes } from './routes/queries/detail.ts';
import { patternRoutes } from './routes/queries/patterns.ts';
import { resetRoutes } from './routes/queries/reset.ts';
import { signInRoutes } from './routes/session.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { systemRoutes } from './routes/system.ts';
import { tableRoutes } from './routes/tables.ts';
import { createStatic } from './static/index.ts';

/** Largest body: a statement of 100,000 characters with room for its JSON. */
const maxBodyBytes = 512 * 1024;

/**
 * The whole HTTP side as one Fetch handler (`app.fetch`): API, event stream, Prometheus, probes, sign-in and the built
 * dashboard. The daemon, the tests and other applications use the same object.
 */
export function createApp(context: AppContext): Api {
  const app: Api = new OpenAPIHono<Env>({ defaultHook: refuseInvalid });
  const auth = createAuth(context);
  const serveStatic = createStatic(context.uiDir, context.prefix);

  app.onError((error, c) => answerThrown(error, c.req.path, context.logger));
  app.use(requestLog(context.logger));
  app.use(securityHeaders);
  app.use(
    compress({ contentTypeFilter: /^(application\/(problem\+)?json|text\/plain|application\/openmetrics-text)/ }),
  );
  app.use(
    methodNotAllowed({ app, onMethodNotAllowed: (c, methods) => wrongMethod(c.req.method, c.req.path, methods) }),
  );
  app.use(hostGuard(context));
  app.use(originGuard);
  app.use(limitBody(maxBytesOf, tooLarge));

  livenessRoutes(app, context);
  signInRoutes(app, auth);
  for (const path of ['/api/*', '/metrics', '/readyz']) app.use(path, auth.required);
  // Only for those who may: inflating takes memory.
  app.use(ingestPath, inflateBody(maxReportBytes, tooLarge));
  readinessRoutes(app, context);
  systemRoutes(app, context);
  dashboardRoutes(app, context);
  healthRoutes(app, context);
  metricRoutes(app, context);
  statementRoutes(app, context);
  patternRoutes(app, context);
  analyzeRoutes(app, context);
  planRoutes(app, context);
  resetRoutes(app, context);
  applicationQueryRoutes(app, context);
  queryDetailRoutes(app, context);
  applicationRoutes(app, context);
  ingestRoutes(app, context);
  cacheStatsRoutes(app, context);
  cacheCommandRoutes(app, context);
  adviceActionRoutes(app, context);
  adviceRoutes(app, context);
  indexRoutes(app, context);
  backupRunRoutes(app, context);
  backupActionRoutes(app, context);
  backupRoutes(app, context);
  sessionRoutes(app, context);
  tableRoutes(app, context);
  eventRoutes(app, context);
  openApiRoutes(app, context);

  app.notFound((c) => (isApi(c.req.path) ? unknownPath(app, c.req.path) : serveStatic(c)));
  return app;
}

const maxBytesOf = (path: string): number => (path === ingestPath ? maxReportBytes : maxBodyBytes);

const isApi = (path: string): boolean => /^\/(api(\/|$)|metrics\/|healthz\/|readyz\/)/.test(path);

function unknownPath(app: Api, path: string): Response {
  const near = nearest(path, [...new Set(app.routes.map((route) => route.path))]);
  const error = new PitcrewError('E_NOT_FOUND', 'no such path', {
    detail: path.slice(0, 200),
    hint: near === undefined ? 'GET /api/v1/openapi.json lists every path.' : `Did you mean "${near}"?`,
  });
  return problemResponse(error, { instance: path });
}

function wrongMethod(method: string, path: string, methods: string[]): Response {
  const error = new PitcrewError('E_BAD_REQUEST', 'method not allowed', {
    detail: `${method}: ${methods.join(', ')} is allowed`,
  });
  return problemResponse(error, { status: 405, instance: path, headers: { allow: methods.join(', ') } });
}

function tooLarge(path: string): Response {
  const error = new PitcrewError('E_BAD_REQUEST', 'body too large', {
    detail: `At most ${maxBytesOf(path)} bytes are allowed.`,
  });
  return problemResponse(error, { status: 413, instance: path });
}
