/** Directives of a Cache-Control header, by name in lower case; an empty text where there is no value. */
export type Directives = ReadonlyMap<string, string>;

const directive = /([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*)))?/g;
const none: Directives = new Map();
/** RFC 9111 §1.2.2: what is larger counts as this. */
const mostSeconds = 2 ** 31;

/** Of a directive that is there several times the first one counts (RFC 9111 §4.2.1). */
export function parseCacheControl(header: string | null): Directives {
  if (!header) return none;
  const directives = new Map<string, string>();
  for (const [, name = '', quoted, plain] of header.matchAll(directive)) {
    const known = name.toLowerCase();
    if (!directives.has(known)) directives.set(known, quoted ?? plain ?? '');
  }
  return directives;
}

/** A span of time in ms; what is no number of seconds is 0 (RFC 9111 §4.2.1: such a response is stale). */
export function directiveMs(directives: Directives, name: string): number | undefined {
  const text = directives.get(name);
  return text === undefined ? undefined : secondsMs(text);
}

export function secondsMs(text: string): number {
  return /^\d+$/.test(text) ? Math.min(Number(text), mostSeconds) * 1000 : 0;
}

/** What a request demands of a cache. */
export interface Demands {
  /** Nothing that is kept may answer. */
  readonly fresh: boolean;
  /** Nothing may be kept. */
  readonly noStore: boolean;
  /** Only what is kept may answer. */
  readonly onlyIfCached: boolean;
  /** How old an answer may be, in ms. */
  readonly maxAgeMs: number;
}

/** RFC 9111 §5.2.1, and §5.4 for `Pragma`. */
export function demandsOf(headers: Headers): Demands {
  const directives = parseCacheControl(headers.get('cache-control'));
  const pragma = directives.size === 0 && /\bno-cache\b/i.test(headers.get('pragma') ?? '');
  return {
    fresh: directives.has('no-cache') || pragma,
    noStore: directives.has('no-store'),
    onlyIfCached: directives.has('only-if-cached'),
    maxAgeMs: directiveMs(directives, 'max-age') ?? Infinity,
  };
}
