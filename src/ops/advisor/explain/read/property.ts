import { buffersLine, ioLine } from './buffers.ts';

/** What a line below a node says, under the names of EXPLAIN's JSON; empty for what it does not know. */
export function propertyFields(line: string): Record<string, unknown> {
  const text = line.trim();
  const named = /^([A-Z][A-Za-z0-9 ()/-]*?): (.*)$/s.exec(text);
  if (!named) return {};
  const [, name = '', value = ''] = named;
  if (name === 'Buffers') return buffersLine(value);
  if (name === 'I/O Timings') return ioLine(value);
  if (name === 'Heap Blocks') return heapBlocks(value);
  if (name === 'Sort Method') return sortMethod(value);
  if (name === 'WAL')
    return Object.fromEntries(pairs(value).map(([key, count]) => [walNames[key] ?? `WAL ${key}`, count]));
  if (name === 'Buckets' || name === 'Batches' || name === 'Planned Partitions') return hashing(text);
  if (name === 'Hits' || name === 'Storage') return spaced(text);
  if (name === 'Full-sort Groups' || name === 'Pre-sorted Groups') return { [name]: sortGroups(value) };
  if (lists.has(name)) return value === '()' ? {} : { [name]: splitList(value) };
  if (name === 'Disabled' || name === 'Inner Unique') return { [name]: value === 'true' };
  return { [name]: conditions.test(name) ? value : numberOrText(value) };
}

const lists = new Set(['Sort Key', 'Presorted Key', 'Group Key', 'Output', 'Hash Key', 'Conflict Arbiter Indexes']);
const conditions = /^(?!Rows Removed).*(?:Cond|Filter|Key)$/;
const walNames: Record<string, string> = { records: 'WAL Records', fpi: 'WAL FPI', bytes: 'WAL Bytes' };

function numberOrText(value: string): number | string {
  const figure = /^(-?\d+(?:\.\d+)?)(?: ?(?:kB|ms))?$/.exec(value);
  return figure ? Number(figure[1]) : value;
}

/** `exact=10 lossy=20` */
function pairs(value: string): [string, number][] {
  return [...value.matchAll(/(\w+(?: \w+)*)=([\d.]+)/g)].map(([, key = '', figure]) => [key.trim(), Number(figure)]);
}

function heapBlocks(value: string): Record<string, unknown> {
  const found = Object.fromEntries(pairs(value));
  return { 'Exact Heap Blocks': found['exact'] ?? 0, 'Lossy Heap Blocks': found['lossy'] ?? 0 };
}

/** `external merge  Disk: 1234kB` */
function sortMethod(value: string): Record<string, unknown> {
  const found = /^(.*?)\s+(Memory|Disk): (\d+)kB/.exec(value);
  if (!found) return { 'Sort Method': value };
  return { 'Sort Method': found[1], 'Sort Space Type': found[2], 'Sort Space Used': Number(found[3]) };
}

/** `1  Sort Method: quicksort  Average Memory: 26kB  Peak Memory: 26kB` */
function sortGroups(value: string): Record<string, unknown> {
  const count = Number(/^\d+/.exec(value)?.[0] ?? 0);
  const methods = /Sort Methods?: (.*?)(?:\s{2,}|$)/.exec(value)?.[1]?.split(', ') ?? [];
  const space = (type: string): Record<string, unknown> => {
    const found = new RegExp(`Average ${type}: (\\d+)kB\\s+Peak ${type}: (\\d+)kB`).exec(value);
    if (!found) return {};
    return {
      [`Sort Space ${type}`]: { 'Average Sort Space Used': Number(found[1]), 'Peak Sort Space Used': Number(found[2]) },
    };
  };
  return { 'Group Count': count, 'Sort Methods Used': methods, ...space('Memory'), ...space('Disk') };
}

/** `Buckets: 65536 (originally 1024)  Batches: 32 (originally 1)  Memory Usage: 3585kB`, or the like of an aggregate. */
function hashing(text: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const aggregate = !text.startsWith('Buckets');
  for (const [, name = '', value, original] of text.matchAll(
    /([A-Z][A-Za-z ]*?): (\d+)(?:kB)?(?: \(originally (\d+)\))?/g,
  )) {
    const key = jsonName(name.trim(), aggregate);
    found[key] = Number(value);
    if (original !== undefined) found[`Original ${key}`] = Number(original);
  }
  return found;
}

function jsonName(name: string, aggregate: boolean): string {
  if (name === 'Memory Usage') return 'Peak Memory Usage';
  if (aggregate) return name === 'Batches' ? 'HashAgg Batches' : name;
  return name === 'Buckets' || name === 'Batches' ? `Hash ${name}` : name;
}

/** `Hits: 1  Misses: 2  Evictions: 0  Overflows: 0  Memory Usage: 3kB`, and of storage. */
function spaced(text: string): Record<string, unknown> {
  return Object.fromEntries(
    text.split(/\s{2,}/).flatMap((part): [string, number | string][] => {
      const [, name, value] = /^(.+?): (.+)$/s.exec(part) ?? [];
      if (name === undefined || value === undefined) return [];
      const of: Record<string, string> = {
        Hits: 'Cache Hits',
        Misses: 'Cache Misses',
        Evictions: 'Cache Evictions',
        Overflows: 'Cache Overflows',
        'Memory Usage': 'Peak Memory Usage',
      };
      return [[of[name] ?? name, numberOrText(value)]];
    }),
  );
}

/** A list at its commas, not at those within parentheses or quotes. */
function splitList(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let quote = '';
  let part = '';
  for (const char of text) {
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === "'" || char === '"') quote = char;
    else if (char === '(' || char === '[') depth += 1;
    else if (char === ')' || char === ']') depth -= 1;
    if (char === ',' && depth === 0 && quote === '') {
      parts.push(part.trim());
      part = '';
    } else part += char;
  }
  return [...parts, part.trim()].filter((each) => each !== '');
}
