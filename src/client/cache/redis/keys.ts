import type { Invalidation } from '../invalidation.ts';

/** The keys and channels of a namespace. What scripts use together has its hash tag, and so its slot of a cluster. */
export interface Keys {
  /** State, names, patterns: what every script about invalidations is given. */
  readonly history: readonly [state: string, names: string, patterns: string];
  readonly state: string;
  /** Every process hears it. */
  readonly channel: string;
  /** What the channels of single processes begin with. */
  readonly processes: string;
  value(key: string): string;
  counter(key: string): string;
  lease(key: string): string;
}

export function keysOf(namespace: string): Keys {
  const own = `{${namespace}}`;
  return {
    history: [`${own}:state`, `${own}:names`, `${own}:patterns`],
    state: `${own}:state`,
    channel: `${own}:heard`,
    processes: `${own}:process:`,
    value: (key) => (key.isWellFormed() ? `${namespace}:v:${key}` : `${namespace}:w:${hex(key)}`),
    counter: (key) => `${namespace}:n:${key}`,
    lease: (key) => `${own}:lease:${key}`,
  };
}

/** Of texts with half a character, which as UTF-8 are all the same. */
function hex(text: string): string {
  return Buffer.from(text, 'utf16le').toString('hex');
}

function tagName(tag: string): string {
  return `t${tag}`;
}

function prefixName(prefix: string): string {
  return `p${prefix}`;
}

/** All names whose invalidation concerns an entry. A prefix ends where a part of the key does. */
export function namesConcerning(key: string, tags: readonly string[]): string[] {
  const names = tags.map(tagName);
  for (let end = key.indexOf(':'); end >= 0; end = key.indexOf(':', end + 1))
    names.push(prefixName(key.slice(0, end + 1)));
  return names;
}

/** What a script is given of a list of invalidations; of notes nothing: they are in the message only. */
export function sorted(what: readonly Invalidation[]): {
  keys: string[];
  names: string[];
  patterns: string[];
  isAll: boolean;
} {
  const keys: string[] = [];
  const names: string[] = [];
  const patterns: string[] = [];
  for (const each of what) {
    if (each.kind === 'key') keys.push(each.key);
    else if (each.kind === 'tag') names.push(tagName(each.tag));
    else if (each.kind === 'prefix') names.push(prefixName(each.prefix));
    else if (each.kind === 'pattern') patterns.push(each.pattern);
  }
  return { keys, names, patterns, isAll: what.some(({ kind }) => kind === 'all') };
}

/** Reads what another process says that it has invalidated; `undefined` for what makes no sense. */
export function readMessage(json: string): Invalidation[] | undefined {
  try {
    const given: unknown = JSON.parse(json);
    if (!Array.isArray(given)) return undefined;
    const read = given.map(readInvalidation);
    return read.includes(undefined) ? undefined : (read as Invalidation[]);
  } catch {
    return undefined;
  }
}

function readInvalidation(given: unknown): Invalidation | undefined {
  if (typeof given !== 'object' || given === null || !('kind' in given)) return undefined;
  const { kind } = given;
  if (kind === 'all') return { kind };
  if (kind !== 'key' && kind !== 'tag' && kind !== 'prefix' && kind !== 'pattern' && kind !== 'note') return undefined;
  // Each kind names what it is of by its own name; a note has a text.
  const field = kind === 'note' ? 'text' : kind;
  return typeof (given as Record<string, unknown>)[field] === 'string' ? (given as Invalidation) : undefined;
}
