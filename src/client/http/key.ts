import { createHash } from 'node:crypto';

/** Longer paths are not cached. */
const longestPath = 1000;
/** Ends the path in a key: below it is what differs between requests for one path. No step of a path looks like it. */
const end = '@';

/**
 * The key of a request: steps of the path in the open, so that paths can be invalidated, and a hash of all that makes a difference.
 * @param who whose responses these are; hashed, as it may be a secret
 * @returns `undefined` for a path that is too long
 */
export function keyOf(url: URL, query: readonly string[] | undefined, who: string): string | undefined {
  if (url.pathname.length > longestPath) return undefined;
  const rest = hash([url.protocol, url.host, url.pathname, queryOf(url.search, query), who]);
  return [...stepsOf(url.pathname), end, rest].join(':');
}

/**
 * The query as it makes a difference: parameters sorted by their names, values as they were sent, since those that are encoded badly
 * cannot be told apart when they are decoded. What parsers may take for one list (`a`, `a[]`) stays in its order.
 */
function queryOf(search: string, allowed: readonly string[] | undefined): string {
  const named = search
    .slice(1)
    .split('&')
    .filter((each) => each !== '')
    .map((raw) => ({ raw, name: [...new URLSearchParams(raw).keys()][0] ?? '' }))
    .filter(({ name }) => allowed === undefined || allowed.includes(name));
  const stem = (name: string): string => name.split('[', 1)[0] ?? '';
  const sorted = named.toSorted((a, b) => (stem(a.name) < stem(b.name) ? -1 : stem(a.name) > stem(b.name) ? 1 : 0));
  return sorted.map(({ raw }) => raw).join('&');
}

/** The key of one of several responses to the same request, by the headers that they vary with. */
export function variantKey(key: string, vary: readonly string[], headers: Headers): string {
  return `${key}:${hash(vary.flatMap((name) => [name, varied(name, headers)]))}`;
}

/** What a header that responses vary with says, so that the same with other white space is the same (RFC 9111 §4.1). */
export function varied(name: string, headers: Headers): string {
  const value = headers.get(name);
  return value === null
    ? ''
    : `=${value
        .replace(/\s*,\s*/g, ',')
        .replace(/\s+/g, ' ')
        .trim()}`;
}

/** Pattern of the keys for a path and all below it. */
export function pathPattern(pathname: string): string {
  const steps = stepsOf(pathname);
  // Below the root is everything: there the path alone is meant.
  return steps.length === 0 ? `${end}:*` : `${steps.join(':')}:*`;
}

/**
 * Pattern of the keys for a route and all below it. A parameter that is not given stands for any value.
 * @param pattern as routers have it: `/orders/:id`, `/files/*`, `/orders/[id]`; what follows an optional part (`{…}`) stands for anything
 */
export function routePattern(pattern: string, params: Readonly<Record<string, string | number>> = {}): string {
  const [known = '', optional] = pattern.split('{', 2);
  const steps: string[] = [];
  let isOpen = optional !== undefined;
  for (const step of known.split('/').filter((each) => each !== '')) {
    const name = /^:(\w+)(?:\(.*\))?\??$|^\[(\w+)\]$/.exec(step);
    const parameter = name?.[1] ?? name?.[2];
    if (parameter !== undefined) {
      const value = params[parameter];
      steps.push(value === undefined ? '*' : encodeStep(String(value)));
    } else if (step.startsWith('*') || step.startsWith('[')) {
      isOpen = true;
      break;
    } else {
      steps.push(/[:*[(]/.test(step) ? '*' : encodeStep(step));
    }
  }
  if (steps.length === 0) return isOpen ? '*' : `${end}:*`;
  const tail = steps.at(-1) === '*' && !isOpen ? `:${end}:*` : ':*';
  return steps.join(':') + tail;
}

function stepsOf(pathname: string): string[] {
  const steps = pathname.split('/').slice(1).map(decodedStep);
  while (steps.at(-1) === '') steps.pop();
  return steps.map(encodeStep);
}

function decodedStep(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

/** Routers may not tell cases apart: invalidating takes all, while the hash keeps them apart. */
function encodeStep(step: string): string {
  return encodeURIComponent(step.toWellFormed().toLowerCase()).replaceAll('*', '%2A');
}

function hash(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}
