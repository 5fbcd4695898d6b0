import { isIP } from 'node:net';
import { createMiddleware } from 'hono/factory';
import { PitcrewError } from '../../errors.ts';
import type { AppContext, Env } from '../context.ts';

/** True for names and addresses that only programs on this machine can reach. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, '').toLowerCase();
  if (name === 'localhost') return true;
  return isIP(name) === 4 ? name.startsWith('127.') : name === '::1' || name === '0:0:0:0:0:0:0:1';
}

/**
 * Refuses requests whose Host is not ours. Without it a page on the internet could point its own name at 127.0.0.1 (DNS
 * rebinding) and read everything from a server without a token. With a token, or behind another application, it is not
 * needed.
 */
export function hostGuard(context: AppContext) {
  const { host, token } = context.config.server;
  const guarded = token === undefined && context.prefix === undefined && isLoopback(host);
  return createMiddleware<Env>(async (c, next) => {
    const asked = hostname(c.req.header('host') ?? new URL(c.req.url).host);
    if (guarded && !isLoopback(asked) && asked !== host.toLowerCase()) {
      throw new PitcrewError('E_FORBIDDEN', 'this host name is not served', {
        detail: `Host: found "${asked.slice(0, 100)}"; localhost, 127.0.0.1 or [::1] is allowed`,
        hint: 'Open it by 127.0.0.1, or set PITCREW_TOKEN to serve other names.',
      });
    }
    await next();
  });
}

/**
 * Refuses changes that another site's page asks a browser for. Browsers say so in `Sec-Fetch-Site`, older ones in
 * `Origin`; a client that sends neither is not a browser.
 */
export const originGuard = createMiddleware<Env>(async (c, next) => {
  if (c.req.method !== 'GET' && c.req.method !== 'HEAD' && !isSameOrigin(c.req.raw)) {
    throw new PitcrewError('E_FORBIDDEN', 'asked from another site', {
      detail: 'Changes are accepted only from the dashboard itself and from programs.',
    });
  }
  await next();
});

function isSameOrigin(request: Request): boolean {
  const site = request.headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin' || site === 'none';
  const origin = request.headers.get('origin');
  if (origin === null) return true;
  const host = request.headers.get('host') ?? new URL(request.url).host;
  // Only hosts are compared: a proxy that ends TLS makes https at the browser http here.
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase();
}

function hostname(host: string): string {
  return host.replace(/:\d*$/, '').toLowerCase();
}

/**
 * Headers that narrow what a page from here may do. Scripts and styles come from files only; nothing is loaded from
 * elsewhere, nothing frames us, and no address leaks to other sites. uPlot and the meters set positions through the
 * DOM, which needs no 'unsafe-inline'.
 */
export const securityHeaders = createMiddleware<Env>(async (c, next) => {
  await next();
  const headers = c.res.headers;
  headers.set(
    'content-security-policy',
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
      "manifest-src 'self'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
  );
  headers.set('x-content-type-options', 'nosniff');
  headers.set('x-frame-options', 'DENY');
  headers.set('referrer-policy', 'no-referrer');
  headers.set('cross-origin-opener-policy', 'same-origin');
  headers.set('cross-origin-resource-policy', 'same-origin');
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
});
