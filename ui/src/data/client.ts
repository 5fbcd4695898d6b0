import type { Problem } from '../../../src/server/api/common.ts';
import { preference } from './preference.ts';
import { createStore } from './store.ts';

/** Why an answer did not come: the API's problem, or that the daemon cannot be reached at all. */
export interface Failure {
  kind: 'problem' | 'offline' | 'signed-out';
  title: string;
  detail: string | undefined;
  hint: string | undefined;
  code: string;
}

/** Since when the daemon cannot be reached; `undefined` while it can. */
export const offlineSince = createStore<number | undefined>(undefined);

/** Whether the daemon asks for a token that this browser has not given. */
export const signedOut = createStore(false);

/** Whether this browser signed in, so that it can sign out again. Only a hint: the cookie itself cannot be read. */
export const signedIn = preference<'no' | 'yes'>('signed-in', ['no', 'yes'], 'no');

const offline: Failure = {
  kind: 'offline',
  title: 'Pitcrew’s daemon cannot be reached',
  detail: undefined,
  hint: 'Is “pitcrew serve” still running? This page tries again by itself.',
  code: 'E_OFFLINE',
};

class RequestFailed extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.title);
    this.failure = failure;
  }
}

interface Request {
  method?: 'GET' | 'POST' | 'DELETE';
  body?: unknown;
  signal?: AbortSignal;
}

/** Asks the API. Throws `RequestFailed`; an aborted request throws the signal's reason. */
export async function request<Answer>(url: string, { method = 'GET', body, signal }: Request = {}): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
    credentials: 'same-origin',
  }).catch((thrown: unknown) => {
    if (signal?.aborted) throw thrown;
    if (offlineSince.get() === undefined) offlineSince.set(Date.now());
    throw new RequestFailed(offline);
  });
  offlineSince.set(undefined);
  if (response.ok) {
    if (response.status === 204) return undefined as Answer;
    return (await response.json()) as Answer;
  }
  const failure = await failureOf(response);
  if (failure.kind === 'signed-out' && !url.endsWith('/session')) signedOut.set(true);
  throw new RequestFailed(failure);
}

async function failureOf(response: Response): Promise<Failure> {
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  return {
    kind: response.status === 401 ? 'signed-out' : 'problem',
    title: sentence(problem.title ?? `The daemon answered ${response.status} ${response.statusText}`),
    detail: problem.detail === undefined ? undefined : sentence(problem.detail),
    hint: problem.hint,
    code: problem.code ?? `HTTP ${response.status}`,
  };
}

/** Errors are written without a capital; what stands alone has one. */
function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The failure in anything thrown by `request`. */
export function failureFrom(thrown: unknown): Failure {
  if (thrown instanceof RequestFailed) return thrown.failure;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return { kind: 'problem', title: 'Something went wrong in this page', detail, hint: undefined, code: 'E_PAGE' };
}

/** The same as one text, for a notice. */
export function failureText(thrown: unknown): string {
  const { title, detail, hint } = failureFrom(thrown);
  return [title, detail, hint].filter(Boolean).join('. ');
}
