import type { Api, AppContext } from './context.ts';

/** The OpenAPI 3.1 description of every path, made from the routes themselves. */
export function openApiDocument(app: Api, context: AppContext): ReturnType<Api['getOpenAPI31Document']> {
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
  });
}
