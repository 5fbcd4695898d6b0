import { durationMs } from '../cache/options.ts';
import { directiveMs, parseCacheControl, secondsMs } from './cache-control.ts';
import type { Settings } from './options.ts';

/** How long a response may be served. Times in ms. */
export interface Shelf {
  /** How old it was when it came. */
  readonly ageMs: number;
  /** How long it is still fresh. */
  readonly freshMs: number;
  /** How long after that it may be served while a new one is made, and when none can be made. */
  readonly staleWhileMs: number;
  readonly staleIfErrorMs: number;
}

export interface Refusal {
  /** Whether the next response will presumably not be kept either. */
  readonly isLasting: boolean;
}

const notNow: Refusal = { isLasting: false };
const never: Refusal = { isLasting: true };
/** Of which there is no end, or none soon. */
const endless = /^\s*(?:text\/event-stream|multipart\/x-mixed-replace)\b/i;

/** Whether a response may be kept, by its status and headers, and how long (RFC 9111 §3, §4.2, RFC 5861). */
export function judge<Native>(
  settings: Settings<Native>,
  native: Native,
  isPersonal: boolean,
  response: Response,
): Shelf | Refusal {
  const { status, headers } = response;
  if (!settings.statuses.has(status)) return notNow;
  const directives = parseCacheControl(headers.get('cache-control'));
  const says = (name: string): boolean => directives.has(name);
  if (says('no-store') || says('no-cache') || (says('private') && !isPersonal)) return never;
  if (headers.has('set-cookie') && !settings.stripSetCookie) return never;
  if (variesWith(headers).includes('*') || headers.has('trailer') || headers.has('content-range')) return never;
  if (endless.test(headers.get('content-type') ?? '')) return never;
  if (Number(headers.get('content-length')) > settings.maxBodyBytes) return never;

  const sharedMs = isPersonal ? undefined : directiveMs(directives, 's-maxage');
  const lifetimeMs =
    sharedMs ?? directiveMs(directives, 'max-age') ?? expiresMs(headers) ?? ownMs(settings, native, response);
  if (lifetimeMs === undefined) return never;
  const ageMs = ageOf(headers);
  const freshMs = lifetimeMs - ageMs;
  if (freshMs <= 0) return never;
  if (says('must-revalidate') || says('proxy-revalidate')) {
    return { ageMs, freshMs, staleWhileMs: 0, staleIfErrorMs: 0 };
  }
  return {
    ageMs,
    freshMs,
    staleWhileMs: directiveMs(directives, 'stale-while-revalidate') ?? settings.staleWhileMs,
    staleIfErrorMs: directiveMs(directives, 'stale-if-error') ?? settings.staleIfErrorMs,
  };
}

/** Names of the headers that a response varies with, sorted, in lower case. */
export function variesWith(headers: Headers): string[] {
  const names = (headers.get('vary') ?? '').split(',').map((name) => name.trim().toLowerCase());
  return [...new Set(names)].filter((name) => name !== '').toSorted();
}

function ownMs<Native>({ ttl }: Settings<Native>, native: Native, response: Response): number | undefined {
  const own = typeof ttl === 'function' ? ttl(native, response) : ttl;
  return own === undefined ? undefined : durationMs('ttl', own);
}

/** RFC 9111 §5.3: what is no date is long past. */
function expiresMs(headers: Headers): number | undefined {
  const expires = headers.get('expires');
  if (expires === null) return undefined;
  const at = Date.parse(expires);
  return Number.isNaN(at) ? 0 : at - dateOf(headers);
}

/** RFC 9111 §4.2.3. */
function ageOf(headers: Headers): number {
  const said = secondsMs(headers.get('age')?.trim() ?? '');
  // Dates are whole seconds: one of this second is of now.
  return Math.max(said, Math.floor((Date.now() - dateOf(headers)) / 1000) * 1000, 0);
}

function dateOf(headers: Headers): number {
  const at = Date.parse(headers.get('date') ?? '');
  return Number.isNaN(at) ? Date.now() : at;
}
