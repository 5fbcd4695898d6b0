import { createRoute } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { AskedBackup } from '../../../ops/backup/index.ts';
import { backupService } from '../../api/backups.ts';
import { backupPath, backupRequest, oneDatabaseQuery } from '../../api/parameters.ts';
import type { Api, AppContext, Env } from '../../context.ts';
import { presentService } from '../../present/backups.ts';
import { problemsOf } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';
import { askedBy } from '../advice/desk.ts';
import { backupsOf, backupsPath, recordOf, recordsOf, refuseUnlessEnabled } from './desk.ts';

const underWay =
  'Only with the setting actions.backups; refused while another run is under way. Answers when it is under way: `GET …/backups` says in ' +
  '`service` how far it is, `GET …/backups/runs/{id}` how it went, events say when it has changed.';

const responses = {
  202: { description: 'Under way', content: { 'application/json': { schema: backupService } } },
  ...problemsOf(400, 401, 404, 409, 422, 503),
};

const makeRoute = createRoute({
  method: 'post',
  path: backupsPath,
  summary: 'Makes a backup now, or does what else is scheduled',
  description: underWay,
  request: {
    query: queryOf(oneDatabaseQuery),
    body: { required: false, content: { 'application/json': { schema: backupRequest } } },
  },
  responses,
});

const ofOne = <Action extends string>(action: Action, summary: string) =>
  createRoute({
    method: 'post',
    path: `${backupsPath}/{id}/${action}`,
    summary,
    description: underWay,
    request: { params: backupPath, query: queryOf(oneDatabaseQuery) },
    responses,
  });

const verifyRoute = ofOne(
  'verify',
  'Reads what is stored of a backup, and of those that it builds on, and compares it with its checksums',
);
const drillRoute = ofOne('drill', 'Restores a backup on the machine of the daemon, to prove it');

/** What can be asked for. */
export function backupActionRoutes(app: Api, context: AppContext): void {
  async function begin(c: Context<Env>, name: string | undefined, asked: Pick<AskedBackup, 'kind' | 'backup'>) {
    const { database, service } = await backupsOf(context, name);
    refuseUnlessEnabled(context);
    const by = askedBy(c);
    if (asked.backup !== undefined) recordOf(database, recordsOf(await service.catalogue()), asked.backup);
    await service.run({ ...asked, by });
    context.logger.info({ database, by, ...asked }, 'backup run on request');
    return c.json(presentService(service), 202);
  }

  app.openapi(makeRoute, (c) => {
    const { type = 'full' } = c.req.valid('json');
    return begin(c, c.req.valid('query').database, { kind: type });
  });
  app.openapi(verifyRoute, (c) =>
    begin(c, c.req.valid('query').database, { kind: 'verify', backup: c.req.valid('param').id }),
  );
  app.openapi(drillRoute, (c) =>
    begin(c, c.req.valid('query').database, { kind: 'drill', backup: c.req.valid('param').id }),
  );
}
