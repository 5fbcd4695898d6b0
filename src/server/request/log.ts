import { createMiddleware } from 'hono/factory';
import type { Env, Logger } from '../context.ts';

/** Writes every request at level debug: method, path without parameters, status, time. */
export function requestLog(logger: Logger) {
  return createMiddleware<Env>(async (c, next) => {
    const start = performance.now();
    await next();
    const ms = Math.round((performance.now() - start) * 10) / 10;
    logger.debug({ method: c.req.method, path: c.req.path, status: c.res.status, ms }, 'request');
  });
}
