import { z } from '@hono/zod-openapi';
import { problem } from '../api/common.ts';

const problemDescriptions = {
  400: 'A parameter or the body is wrong.',
  401: 'The token is missing or wrong.',
  403: 'Not allowed by the settings, or asked from another site.',
  404: 'No such thing.',
  409: 'Refused because it would be unsafe.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  422: 'The database cannot do this.',
  429: 'Too many attempts.',
  502: 'The database refused us.',
  503: 'The store or the database cannot be reached.',
} as const;

export type ProblemStatus = keyof typeof problemDescriptions;

/** The `responses` of a route that asks for the token: its answer, and the problems it can end with. */
export function answers<Schema extends z.ZodType>(schema: Schema, description: string, ...problems: ProblemStatus[]) {
  return {
    ...openAnswers(schema, description, ...problems, 401),
  };
}

/** The same of a route that asks for no token. */
export function openAnswers<Schema extends z.ZodType>(
  schema: Schema,
  description: string,
  ...problems: ProblemStatus[]
) {
  return {
    200: { description, content: { 'application/json': { schema } } },
    ...problemsOf(...problems),
  };
}

/** Problem documents by status, for a route's `responses`. Every route can be asked from where it must not be: 403. */
export function problemsOf(...statuses: ProblemStatus[]): object {
  const all = [...new Set<ProblemStatus>([...statuses, 403])].toSorted((a, b) => a - b);
  return Object.fromEntries(
    all.map((status) => [
      status,
      { description: problemDescriptions[status], content: { 'application/problem+json': { schema: problem } } },
    ]),
  );
}
