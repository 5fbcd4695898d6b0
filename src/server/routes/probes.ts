import { createRoute } from '@hono/zod-openapi';
import { PitcrewError } from '../../errors.ts';
import { liveness, readiness } from '../api/parameters.ts';
import type { Api, AppContext } from '../context.ts';
import { answers, openAnswers } from '../request/respond.ts';
import { queryOf } from '../request/validate.ts';

const livenessRoute = createRoute({
  method: 'get',
  path: '/healthz',
  summary: 'Whether the process lives; never asks for a token',
  security: [],
  responses: openAnswers(liveness, 'It lives'),
});

const readinessRoute = createRoute({
  method: 'get',
  path: '/readyz',
  summary: 'Whether data is being collected and kept',
  request: { query: queryOf({}) },
  responses: answers(readiness, 'Ready', 503),
});

/** Liveness: open to everyone, says nothing of the databases. */
export function livenessRoutes(app: Api, context: AppContext): void {
  app.openapi(livenessRoute, (c) => c.json({ status: 'ok' as const, version: context.version }, 200));
}

/** Readiness, with the reasons when it is not. */
export function readinessRoutes(app: Api, context: AppContext): void {
  app.openapi(readinessRoute, (c) => {
    const statuses = context.monitors.map((monitor) => monitor.status());
    const watched = statuses.filter(({ connection }) => connection === 'watching').length;
    const store = context.store?.status();
    const reasons: string[] = [];
    if (store === undefined) reasons.push('no history is kept');
    else if (store.state !== 'ready')
      reasons.push(`the store is ${store.state}: ${store.message ?? 'no reason known'}`);
    if (watched === 0) {
      reasons.push(
        ...statuses.map(
          ({ database, connection, message }) =>
            `${database} is ${connection}${message === null ? '' : `: ${message}`}`,
        ),
      );
      if (statuses.length === 0) reasons.push('no database is watched');
    }
    if (reasons.length > 0) {
      const code = store?.state === 'ready' ? 'E_DATABASE_UNREACHABLE' : 'E_STORE_UNAVAILABLE';
      throw new PitcrewError(code, 'not ready', { detail: reasons.join('\n') });
    }
    return c.json({ status: 'ready' as const, databases: watched }, 200);
  });
}
