import { type Demands, demandsOf } from './cache-control.ts';
import { keyOf } from './key.ts';
import type { Settings } from './options.ts';

/** A request that may be answered from the cache. */
export interface Asked<Native> {
  readonly request: Request;
  readonly native: Native;
  readonly key: string;
  /** What is kept for it is given to one user only. */
  readonly isPersonal: boolean;
  readonly demands: Demands;
}

/** Of these a handler has to decide itself what they mean for what it answers. */
const others = ['range', 'if-match', 'if-unmodified-since', 'if-range', 'upgrade'];
const anyAnswer: Demands = { fresh: false, noStore: false, onlyIfCached: false, maxAgeMs: Infinity };

/** Whether a method only reads (RFC 9110 §9.2.1). */
export function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'TRACE';
}

/** What a request asks the cache for; `undefined` when it is the handler's alone. */
export async function askedOf<Native>(
  settings: Settings<Native>,
  request: Request,
  native: Native,
): Promise<Asked<Native> | undefined> {
  const { method, headers } = request;
  if ((method !== 'GET' && method !== 'HEAD') || settings.skip?.(native)) return undefined;
  if (others.some((name) => headers.has(name))) return undefined;
  const demands = settings.obeyRequests ? demandsOf(headers) : anyAnswer;
  if (demands.noStore) return undefined;
  const identity = await settings.identity?.(native);
  const hasCredentials = settings.credentials.some((name) => headers.has(name));
  // Whose it is cannot be told: it may be anybody's.
  if (identity === undefined && hasCredentials && !settings.isPublic) return undefined;
  const who = identity === undefined ? (settings.isPublic ? 'public' : 'anonymous') : `user ${identity}`;
  const key = keyOf(new URL(request.url), settings.query, who);
  return key === undefined ? undefined : { request, native, key, isPersonal: identity !== undefined, demands };
}
