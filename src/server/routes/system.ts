import { createRoute } from '@hono/zod-openapi';
import type { DatabaseMonitor, SettingState } from '../../ops/monitor/index.ts';
import { oneDatabaseQuery } from '../api/parameters.ts';
import { type Databases, databases, type Doctor, doctor, serverSettings } from '../api/system.ts';
import { type Api, type AppContext, pickMonitor } from '../context.ts';
import { iso } from '../present/values.ts';
import { answers } from '../request/respond.ts';
import { queryOf } from '../request/validate.ts';

const databasesRoute = createRoute({
  method: 'get',
  path: '/api/v1/databases',
  summary: 'The watched databases, the store, and what is enabled',
  request: { query: queryOf({}) },
  responses: answers(databases, 'Databases', 400),
});

const settingsRoute = createRoute({
  method: 'get',
  path: '/api/v1/database/settings',
  summary: "The server's settings",
  request: { query: queryOf(oneDatabaseQuery) },
  responses: answers(serverSettings, 'Settings', 400, 404),
});

const doctorRoute = createRoute({
  method: 'get',
  path: '/api/v1/database/doctor',
  summary: 'What can be read from the server, what cannot, and what would fix that',
  request: { query: queryOf(oneDatabaseQuery) },
  responses: answers(doctor, "The doctor's report", 400, 404),
});

/** Databases, settings, doctor. */
export function systemRoutes(app: Api, context: AppContext): void {
  app.openapi(databasesRoute, (c) =>
    c.json(
      {
        version: context.version,
        databases: context.monitors.map(presentDatabase),
        store: presentStore(context),
        actions: { ...context.config.actions },
      },
      200,
    ),
  );

  app.openapi(settingsRoute, (c) => {
    const monitor = pickMonitor(context, c.req.valid('query').database);
    return c.json({ database: monitor.name, settings: monitor.settings().map(presentSetting) }, 200);
  });

  app.openapi(doctorRoute, (c) => c.json(presentDoctor(pickMonitor(context, c.req.valid('query').database)), 200));
}

function presentDatabase(monitor: DatabaseMonitor): Databases['databases'][number] {
  const status = monitor.status();
  const { score, grade } = monitor.health();
  return {
    name: monitor.name,
    address: status.address,
    connection: status.connection,
    since: status.since.toISOString(),
    message: status.message,
    hint: status.hint,
    score,
    grade,
    serverVersion: status.server?.version ?? null,
    isStandby: status.server?.isStandby ?? null,
  };
}

const startedAt = new Date();

function presentStore(context: AppContext): Databases['store'] {
  const status = context.store?.status();
  if (status === undefined) {
    return {
      state: 'away',
      message: 'No history is kept.',
      since: startedAt.toISOString(),
      lostBatches: 0,
      bytes: null,
    };
  }
  return {
    state: status.state,
    message: status.message ?? null,
    since: status.since.toISOString(),
    lostBatches: status.lostBatches,
    bytes: status.bytes ?? null,
  };
}

function presentDoctor(monitor: DatabaseMonitor): Doctor {
  const status = monitor.status();
  const { server } = status;
  return {
    database: monitor.name,
    at: new Date().toISOString(),
    connection: status.connection,
    message: status.message,
    hint: status.hint,
    address: status.address,
    server:
      server === null
        ? null
        : {
            version: server.version,
            flavour: server.flavour,
            isStandby: server.isStandby,
            startedAt: server.startedAt.toISOString(),
            database: server.database,
            user: server.user,
            maxConnections: server.maxConnections,
            cpus: server.cpus,
            statementsVersion: server.statementsVersion,
          },
    skipped: status.skipped,
    collectors: status.collectors.map((collector) => ({
      ...collector,
      lastRun: iso(collector.lastRun),
      lastSuccess: iso(collector.lastSuccess),
      nextRun: iso(collector.nextRun),
    })),
    ownCost: status.ownCost,
  };
}

/** Sources of values that nobody configured: PostgreSQL's own, and what Pitcrew sets for its session. */
const unconfigured = ['default', 'dynamic default', 'override', 'client', 'session'];

/** PostgreSQL shows some defaults otherwise than it boots with them: `archive_command` as "(disabled)". */
function presentSetting(setting: SettingState): SettingState {
  return { ...setting, isDefault: setting.isDefault || unconfigured.includes(setting.source) };
}
