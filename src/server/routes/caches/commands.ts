import { createRoute, type z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { PitcrewError } from '../../../errors.ts';
import type { CacheAsk } from '../../../ops/store/index.ts';
import { cacheCommand, type CacheCommand } from '../../api/caches.ts';
import {
  cacheClearRequest,
  cacheInvalidateRequest,
  cacheWarmRequest,
  commandPath,
  oneDatabaseQuery,
} from '../../api/parameters.ts';
import { type Api, type AppContext, type Env, pickMonitor, storeOf } from '../../context.ts';
import { presentCommand } from '../../present/caches.ts';
import { answers, problemsOf } from '../../request/respond.ts';
import { queryOf } from '../../request/validate.ts';

const commandRoute = <Action extends CacheAsk['action'], Body extends z.ZodType>(
  action: Action,
  summary: string,
  schema: Body,
  required: boolean,
) =>
  createRoute({
    method: 'post',
    path: `/api/v1/database/cache/${action}`,
    summary,
    description:
      'Only with the setting actions.cache. Processes do it when they report next, within ten seconds by default, and tell the ' +
      'result; `GET …/cache/commands/{id}` says how far they are. One that does not report now is given it if it does within ten minutes.',
    request: {
      query: queryOf(oneDatabaseQuery),
      body: { required, content: { 'application/json': { schema } } },
    },
    responses: {
      202: { description: 'Asked for', content: { 'application/json': { schema: cacheCommand } } },
      ...problemsOf(400, 401, 404, 503),
    },
  });

const clearRoute = commandRoute('clear', 'Clears caches, in all processes and tiers', cacheClearRequest, false);
const invalidateRoute = commandRoute(
  'invalidate',
  'Invalidates what is named, in all processes and tiers',
  cacheInvalidateRequest,
  true,
);
const warmRoute = commandRoute('warm', 'Runs a warmer in all processes that have it', cacheWarmRequest, true);

const progressRoute = createRoute({
  method: 'get',
  path: '/api/v1/database/cache/commands/{id}',
  summary: 'Which processes have done what was asked of their caches, and which are still to',
  request: { params: commandPath, query: queryOf(oneDatabaseQuery) },
  responses: answers(cacheCommand, 'The command', 400, 404, 503),
});

type Asked = Pick<CacheAsk, 'application' | 'cache' | 'action' | 'arguments'>;

/** What can be asked of the caches of applications. */
export function cacheCommandRoutes(app: Api, context: AppContext): void {
  async function ask(c: Context<Env>, database: string | undefined, asked: Asked): Promise<CacheCommand> {
    const monitor = pickMonitor(context, database);
    refuseUnlessEnabled(context);
    const store = storeOf(context);
    const targetId = monitor.targetId || (await store.target(monitor.name));
    await refuseForNobody(context, targetId, asked);
    const askedBy = c.env?.incoming?.socket.remoteAddress ?? 'unknown';
    const id = await store.askCaches({ targetId, ...asked, askedBy, now: new Date() });
    const { action, application, cache } = asked;
    context.logger.info({ database: monitor.name, id, action, application, cache, askedBy }, 'cache action on request');
    return progressOf(monitor.name, targetId, id);
  }

  async function progressOf(database: string, targetId: number, id: string): Promise<CacheCommand> {
    const command = await storeOf(context).history.cacheCommand({ targetId, id, now: new Date() });
    if (command) return presentCommand(database, command);
    throw new PitcrewError('E_NOT_FOUND', 'no such command', { detail: `${id} was not asked for "${database}".` });
  }

  app.openapi(clearRoute, async (c) => {
    const { application, cache } = c.req.valid('json');
    const asked = { application, cache, action: 'clear', arguments: {} } as const;
    return c.json(await ask(c, c.req.valid('query').database, asked), 202);
  });

  app.openapi(invalidateRoute, async (c) => {
    const { application, cache, ...lists } = c.req.valid('json');
    const named = Object.fromEntries(Object.entries(lists).filter(([, texts]) => texts.length > 0));
    const asked = { application, cache, action: 'invalidate', arguments: named } as const;
    return c.json(await ask(c, c.req.valid('query').database, asked), 202);
  });

  app.openapi(warmRoute, async (c) => {
    const { application, cache, warmer } = c.req.valid('json');
    const asked = { application, cache, action: 'warm', arguments: { warmer } } as const;
    return c.json(await ask(c, c.req.valid('query').database, asked), 202);
  });

  app.openapi(progressRoute, async (c) => {
    const monitor = pickMonitor(context, c.req.valid('query').database);
    return c.json(await progressOf(monitor.name, monitor.targetId, c.req.valid('param').id), 200);
  });
}

function refuseUnlessEnabled(context: AppContext): void {
  if (context.config.actions.cache) return;
  throw new PitcrewError('E_FORBIDDEN', 'clearing, invalidating and warming caches is not enabled', {
    detail: 'The setting actions.cache is false.',
    hint: 'Set it in the config file, or PITCREW_ACTIONS_CACHE=true, where "pitcrew serve" runs.',
  });
}

/** What nobody would do is most likely a name that is spelt otherwise. */
async function refuseForNobody(context: AppContext, targetId: number, asked: Asked): Promise<void> {
  const { application, cache, action, arguments: named } = asked;
  const live = await storeOf(context).history.cachesNow({ targetId, now: new Date() });
  const fitting = live.filter(
    (each) =>
      (application === undefined || each.application === application) && (cache === undefined || each.name === cache),
  );
  if (fitting.length === 0) {
    const names = live.slice(0, 20).map((each) => `${each.application}/${each.name}`);
    throw new PitcrewError('E_NOT_FOUND', 'no live process reports such a cache', {
      detail: `Found none that fits ${application ?? '*'}/${cache ?? '*'}.`,
      hint: names.length === 0 ? 'docs/cache.md says how to report one.' : `Reported now: ${names.join(', ')}.`,
    });
  }
  const { warmer } = named;
  const warmers = new Set(fitting.flatMap(({ instances }) => instances.flatMap((instance) => instance.warmers)));
  if (warmer !== undefined && !warmers.has(warmer)) {
    throw new PitcrewError('E_NOT_FOUND', `no live process has a warmer called "${warmer}"`, {
      hint:
        warmers.size === 0
          ? 'Name warmers where the cache is observed: observeCache(…, { warmers: [ … ] }).'
          : `Warmers: ${[...warmers].toSorted().join(', ')}.`,
    });
  }
  const onlyTables = action === 'invalidate' && Object.keys(named).every((list) => list === 'tables');
  if (onlyTables && !fitting.some(({ kind }) => kind === 'queries')) {
    throw new PitcrewError('E_BAD_REQUEST', 'no cache that fits knows tables', {
      detail: `${fitting.map(({ name }) => name).join(', ')}: holds values, not results of statements.`,
      hint: 'Name keys, tags or patterns.',
    });
  }
}
