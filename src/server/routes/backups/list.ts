import { createRoute } from '@hono/zod-openapi';
import { backupDetail, type BackupList, backupList, backupWindow } from '../../api/backups.ts';
import { backupPath, oneDatabaseQuery } from '../../api/parameters.ts';
import { type Api, type AppContext, pickMonitor } from '../../context.ts';
import { presentBackupDetail, presentBackups, presentWindows } from '../../present/backups.ts';
import { answers } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';
import { backupsOf, backupsPath, chainOf, recordOf, recordsOf, serviceOf } from './desk.ts';

const listRoute = createRoute({
  method: 'get',
  path: backupsPath,
  summary: 'Backups: what there is, what can be restored, what is done next',
  description:
    'Where the settings have no `backups` of the database, `configured` is false. A repository that cannot be reached is told in its place; ' +
    'repositories are looked at every half minute at most.',
  request: { query: queryOf(oneDatabaseQuery) },
  responses: answers(backupList, 'Backups', 400, 404, 503),
});

const windowRoute = createRoute({
  method: 'get',
  path: `${backupsPath}/window`,
  summary: 'Which moments can be restored',
  description: 'Stretches of time, oldest first; between two of them the log has a gap.',
  request: { query: queryOf(oneDatabaseQuery) },
  responses: answers(backupWindow, 'Stretches of time', 400, 404, 422, 503),
});

const detailRoute = createRoute({
  method: 'get',
  path: `${backupsPath}/{id}`,
  summary: 'One backup: what it consists of, what it builds on, whether it was proven',
  request: { params: backupPath, query: queryOf(oneDatabaseQuery) },
  responses: answers(backupDetail, 'The backup', 400, 404, 422, 503),
});

/** Reading what is in the repositories. */
export function backupRoutes(app: Api, context: AppContext): void {
  app.openapi(listRoute, async (c) => {
    const { name: database } = pickMonitor(context, c.req.valid('query').database);
    const actionsEnabled = context.config.actions.backups;
    if (!serviceOf(context, database)) return c.json({ database, actionsEnabled, ...notConfigured }, 200);
    const { service, store, targetId } = await backupsOf(context, database);
    const [catalogue, latest, drills] = await Promise.all([
      service.catalogue(),
      store.latestRuns(targetId),
      store.latestDrills(targetId),
    ]);
    const runs = { latest: latest.map(({ last }) => last), drills };
    return c.json({ database, actionsEnabled, ...presentBackups(service, catalogue, runs) }, 200);
  });

  app.openapi(windowRoute, async (c) => {
    const { database, service } = await backupsOf(context, c.req.valid('query').database);
    const catalogue = await service.catalogue();
    recordsOf(catalogue);
    return c.json({ database, at: catalogue.at.toISOString(), windows: presentWindows(catalogue.reachable) }, 200);
  });

  app.openapi(detailRoute, async (c) => {
    const { id } = c.req.valid('param');
    const { database, service, store, targetId } = await backupsOf(context, c.req.valid('query').database);
    const catalogue = await service.catalogue();
    const records = recordsOf(catalogue);
    const record = recordOf(database, records, id);
    const drills = { records: catalogue.drills, runs: await store.latestDrills(targetId) };
    return c.json(presentBackupDetail(database, chainOf(records, record), record, catalogue.pins.has(id), drills), 200);
  });
}

const notConfigured: Omit<BackupList, 'database' | 'actionsEnabled'> = {
  configured: false,
  service: null,
  schedule: null,
  at: null,
  repositories: [],
  count: 0,
  storedBytes: null,
  logBytes: null,
  backups: [],
  windows: [],
  stream: null,
  latest: [],
};
