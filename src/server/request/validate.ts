import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { nearest } from '../../config/index.ts';
import { PitcrewError } from '../../errors.ts';

type Issue = z.core.$ZodIssue;

/** Query parameters of a route: those of `shape` and no others. An unknown one is refused with the nearest known name. */
export function queryOf<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? unknownNames(issue.keys, known) : undefined),
  });
}

function unknownNames(keys: readonly string[], known: readonly string[]): string {
  const name = keys[0] ?? '';
  const near = nearest(name, known);
  const fact = `unknown parameter "${name.slice(0, 100)}"`;
  if (near !== undefined) return `${fact}, did you mean "${near}"?`;
  return known.length === 0 ? `${fact}; none is allowed here` : `${fact}; allowed are ${known.join(', ')}`;
}

/** A long list may be wrong in every line. */
const mostIssues = 10;

/**
 * Hook of every route: turns a failed check into `E_BAD_REQUEST` that names the parameter, what was found and what is
 * allowed.
 */
export function refuseInvalid(
  result: { target: string } & ({ success: true } | { success: false; error: z.ZodError }),
  c: Context,
): undefined {
  if (result.success) return undefined;
  const { issues } = result.error;
  const lines = issues.slice(0, mostIssues).map((issue) => explain(issue, result.target, c));
  if (issues.length > mostIssues) lines.push(`and ${issues.length - mostIssues} more`);
  throw new PitcrewError('E_BAD_REQUEST', result.target === 'json' ? 'bad request body' : 'bad parameter', {
    detail: lines.join('\n'),
    hint: 'The API is described at /api/v1/openapi.json and in docs/api.md.',
  });
}

function explain(issue: Issue, target: string, c: Context): string {
  if (issue.code === 'unrecognized_keys') return target === 'json' ? unknownNames(issue.keys, []) : issue.message;
  const name = issue.path.map(String).join('.') || 'body';
  const found = target === 'json' ? '' : `found ${quote(valuesOf(c, target, String(issue.path[0])))}; `;
  return `${name}: ${found}${allowed(issue)}`;
}

function valuesOf(c: Context, target: string, name: string): string[] {
  if (target === 'param') return [c.req.param(name) ?? ''];
  return c.req.queries(name) ?? [];
}

function quote(values: string[]): string {
  if (values.length === 0) return 'nothing';
  return values.map((value) => JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value)).join(' and ');
}

/** What would have been right, in words. */
function allowed(issue: Issue): string {
  if (issue.code === 'invalid_type') return `${article(issue.expected)} is allowed`;
  if (issue.code === 'too_small') return `at least ${issue.minimum}${characters(issue.origin)} is allowed`;
  if (issue.code === 'too_big') return `at most ${issue.maximum}${characters(issue.origin)} is allowed`;
  if (issue.code === 'invalid_value') return `allowed: ${issue.values.map(String).join(', ')}`;
  return issue.message.endsWith('allowed') ? issue.message : `${issue.message} is allowed`;
}

const characters = (origin: string): string => (origin === 'string' ? ' characters' : '');

function article(expected: string): string {
  if (expected === 'int') return 'a whole number';
  if (expected === 'string') return 'one text';
  return expected === 'object' || expected === 'array' ? `an ${expected}` : `a ${expected}`;
}
