import { createRoute, z } from '@hono/zod-openapi';
import type { Api, AppContext } from './context.ts';
import { answers } from './request/respond.ts';
import { queryOf } from './request/validate.ts';

const route = createRoute({
  method: 'get',
  path: '/api/v1/openapi.json',
  summary: 'This description',
  request: { query: queryOf({}) },
  responses: answers(z.looseObject({ openapi: z.string() }), 'OpenAPI 3.1', 400),
});

/** The OpenAPI description of every path, made from the routes themselves when it is first asked for. */
export function openApiRoutes(app: Api, context: AppContext): void {
  let document: OpenApiDocument | undefined;
  app.openapi(route, (c) => {
    document ??= openApiDocument(app, context);
    return c.json(document, 200);
  });
}

/** An OpenAPI document as plain data. */
type OpenApiDocument = ReturnType<Api['getOpenAPI31Document']> & Record<string, unknown>;

function openApiDocument(app: Api, context: AppContext): OpenApiDocument {
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', {
    type: 'http',
    scheme: 'bearer',
    description: 'The value of PITCREW_TOKEN. Asked for only when one is set.',
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: 'pitcrew_session',
    description: 'What signing in to the dashboard gives.',
  });
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Pitcrew',
      version: context.version,
      description:
        'Watches PostgreSQL databases. Errors are problem documents (RFC 9457) with a stable `code`. With several ' +
        'databases, `?database=NAME` picks one; the first is the default.',
      license: { name: 'MIT', url: 'https://opensource.org/license/mit' },
    },
    servers: [{ url: context.prefix || '/' }],
    security: [{ token: [] }, { session: [] }],
  }) as OpenApiDocument;
}
