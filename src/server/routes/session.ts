import { createRoute } from '@hono/zod-openapi';
import { signInAnswer, signInRequest } from '../api/parameters.ts';
import type { Api } from '../context.ts';
import type { Auth } from '../request/auth.ts';
import { answers, openAnswers } from '../request/respond.ts';
import { queryOf } from '../request/validate.ts';

const signInRoute = createRoute({
  method: 'post',
  path: '/api/v1/session',
  summary: 'Signs in to the dashboard: the token in exchange for a cookie',
  description:
    'The only path of the API that asks for no token. Ten wrong tokens a minute from one address are the limit.',
  security: [],
  request: {
    query: queryOf({}),
    body: { required: true, content: { 'application/json': { schema: signInRequest } } },
  },
  responses: answers(signInAnswer, 'Signed in', 400, 413, 415, 429),
});

const signOutRoute = createRoute({
  method: 'delete',
  path: '/api/v1/session',
  summary: 'Signs out: the cookie is taken back',
  security: [],
  request: { query: queryOf({}) },
  responses: openAnswers(signInAnswer, 'Signed out', 400),
});

/** Signing in and out; needs no token. */
export function signInRoutes(app: Api, auth: Auth): void {
  app.openapi(signInRoute, (c) => {
    auth.signIn(c, c.req.valid('json').token);
    return c.json({ signedIn: true, tokenRequired: auth.tokenRequired }, 200);
  });

  app.openapi(signOutRoute, (c) => {
    auth.signOut(c);
    return c.json({ signedIn: false, tokenRequired: auth.tokenRequired }, 200);
  });
}
