import { HTTPException } from 'hono/http-exception';
import { type ErrorCode, PitcrewError, toPitcrewError } from '../../errors.ts';
import type { Problem } from '../api/common.ts';
import type { Logger } from '../context.ts';

interface ProblemOptions {
  /** Status other than the code's own: 405, 413, 415. */
  status?: number;
  /** Path of the request. */
  instance?: string;
  headers?: Record<string, string>;
}

/** An RFC 9457 problem document with our code; never a stack, never a secret. */
export function problemResponse(error: PitcrewError, options: ProblemOptions = {}): Response {
  const status = options.status ?? error.status;
  // The text of an unexpected error may hold anything, so it goes to the log only.
  const detail = error.code === 'E_INTERNAL' ? "The daemon's log says more." : error.detail;
  const body: Problem = {
    type: `urn:pitcrew:error:${error.code}`,
    title: error.message,
    status,
    code: error.code,
    ...(detail === undefined ? {} : { detail }),
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.sqlState === undefined ? {} : { sqlState: error.sqlState }),
    ...(options.instance === undefined ? {} : { instance: options.instance }),
  };
  const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...options.headers };
  return new Response(JSON.stringify(body), { status, headers });
}

const headersFor: Partial<Record<ErrorCode, Record<string, string>>> = {
  E_UNAUTHORIZED: { 'www-authenticate': 'Bearer realm="pitcrew"' },
  E_RATE_LIMITED: { 'retry-after': '60' },
  E_STORE_UNAVAILABLE: { 'retry-after': '10' },
};

/** Turns whatever a handler threw into a problem document, and writes what is our fault to the log. */
export function answerThrown(thrown: unknown, path: string, logger: Logger): Response {
  if (thrown instanceof HTTPException) {
    const error = new PitcrewError('E_BAD_REQUEST', thrown.message || 'bad request', {
      hint: thrown.status === 415 ? 'Send "content-type: application/json".' : undefined,
    });
    return problemResponse(error, { status: thrown.status, instance: path });
  }
  const error = toPitcrewError(thrown);
  if (error.code === 'E_INTERNAL') logger.error({ err: error.cause ?? error, path }, 'request failed');
  return problemResponse(error, { instance: path, headers: headersFor[error.code] ?? {} });
}
