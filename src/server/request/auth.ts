import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { createMiddleware } from 'hono/factory';
import { PitcrewError } from '../../errors.ts';
import type { AppContext, Env } from '../context.ts';
import { createAttempts } from './attempts.ts';

const cookieName = 'pitcrew_session';
const sessionSeconds = 7 * 86_400;

/**
 * Who may ask. With a token set, everything but `/healthz`, the dashboard's own files and signing in needs it: as
 * `Authorization: Bearer`, or as the cookie that signing in gives. Without a token everyone who reaches us may.
 */
export function createAuth(context: AppContext) {
  const { token } = context.config.server;
  const path = context.prefix || '/';
  const attempts = createAttempts({ limit: 10, windowMs: 60_000 });

  /** Checks a presented token; too many wrong ones from one address are refused unseen for a minute. */
  function checkToken(c: Context<Env>, presented: string): void {
    const address = c.env?.incoming?.socket.remoteAddress ?? 'unknown';
    const wait = attempts.waitSeconds(address);
    if (wait > 0) {
      throw new PitcrewError('E_RATE_LIMITED', 'too many wrong tokens', { hint: `Try again in ${wait} s.` });
    }
    if (token !== undefined && sameSecret(presented, token)) return;
    attempts.failed(address);
    throw new PitcrewError('E_UNAUTHORIZED', 'the token is wrong', { hint: 'It is the value of PITCREW_TOKEN.' });
  }

  return {
    /** Lets a request through or throws `E_UNAUTHORIZED`. */
    required: createMiddleware<Env>(async (c, next) => {
      if (token !== undefined) {
        const bearer = /^Bearer +(\S+)\s*$/i.exec(c.req.header('authorization') ?? '')?.[1];
        const cookie = getCookie(c, cookieName);
        if (bearer !== undefined) checkToken(c, bearer);
        else if (cookie === undefined || !isValidSession(token, cookie)) {
          throw new PitcrewError(
            'E_UNAUTHORIZED',
            cookie === undefined ? 'a token is needed' : 'the session has ended',
            {
              hint: 'Sign in to the dashboard, or send "Authorization: Bearer" with the value of PITCREW_TOKEN.',
            },
          );
        }
      }
      await next();
    }),

    /** Gives the browser a session. Without a token set there is nothing to sign in to, and anyone is let in. */
    signIn(c: Context<Env>, presented: string): void {
      if (token === undefined) return;
      checkToken(c, presented);
      setCookie(c, cookieName, newSession(token), {
        path,
        httpOnly: true,
        sameSite: 'Strict',
        secure: isHttps(c),
        maxAge: sessionSeconds,
      });
    },

    signOut(c: Context<Env>): void {
      deleteCookie(c, cookieName, { path, secure: isHttps(c) });
    },

    tokenRequired: token !== undefined,
  };
}

export type Auth = ReturnType<typeof createAuth>;

/** A proxy that ends TLS says so; a cookie marked `Secure` for nothing would only be dropped. */
function isHttps(c: Context): boolean {
  return new URL(c.req.url).protocol === 'https:' || c.req.header('x-forwarded-proto') === 'https';
}

/** Compares in a time that says nothing about where the two differ. */
function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** `expiry.nonce.signature`; signed with a key made from the token, so that another token ends every session. */
function newSession(token: string): string {
  const claim = `${Math.floor(Date.now() / 1000) + sessionSeconds}.${randomBytes(9).toString('base64url')}`;
  return `${claim}.${sign(token, claim)}`;
}

function isValidSession(token: string, cookie: string): boolean {
  const [expiry = '', nonce = '', signature = ''] = cookie.split('.');
  return sameSecret(signature, sign(token, `${expiry}.${nonce}`)) && Number(expiry) > Date.now() / 1000;
}

function sign(token: string, claim: string): string {
  return createHmac('sha256', `pitcrew session ${token}`).update(claim).digest('base64url');
}
