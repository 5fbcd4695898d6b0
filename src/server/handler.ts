import { Hono } from 'hono';
import { PitcrewError } from '../errors.ts';
import { createApp } from './app.ts';
import type { AppContext } from './context.ts';

/**
 * Everything of `createApp` as one Fetch handler below a path of another application: Next.js, Hono, Bun, Deno, or
 * Express by an adapter. Who may reach it is that application's to decide, unless a token is set.
 *
 * @example
 * ```ts
 * import { loadConfig } from 'pitcrew/config';
 * import { createHandler, createMonitor, openStore } from 'pitcrew/server';
 *
 * const { config } = await loadConfig({ cwd: process.cwd(), env: process.env });
 * const store = await openStore({ url: process.env.HISTORY_URL, retention: config.store.retention });
 * const monitors = Object.entries(config.databases).map(([name, url]) =>
 *   createMonitor({ name, url, config: config.monitor, store }),
 * );
 * const pitcrew = createHandler({ monitors, store, config, version: '1', logger: console, prefix: '/pitcrew' });
 * const response = await pitcrew(new Request('http://localhost/pitcrew/api/v1/databases'));
 * ```
 */
export function createHandler(context: AppContext): (request: Request) => Promise<Response> {
  const prefix = (context.prefix ?? '').replace(/\/+$/, '');
  if (!/^(\/[\w.~-]+)*$/.test(prefix)) {
    throw new PitcrewError('E_USAGE', 'bad prefix', {
      detail: `found "${prefix}"; a path such as "/pitcrew" is allowed`,
    });
  }
  const app = createApp({ ...context, prefix });
  if (prefix === '') return async (request) => app.fetch(request);
  const outer = new Hono().mount(prefix, (request) => app.fetch(request));
  return async (request) => outer.fetch(request);
}
