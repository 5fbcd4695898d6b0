import { basePath } from './base.ts';
import type { Query } from './url-state.ts';
import type { Range } from './range.ts';

/** Addresses of the API. */

const root = `${basePath}/api/v1`;
export const eventsUrl = `${root}/events`;
export const databasesUrl = `${root}/databases`;
export const sessionUrl = `${root}/session`;

type Parameters = Readonly<Record<string, string | number | boolean | undefined>>;

function withParameters(path: string, parameters: Parameters): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined && value !== '') search.set(name, String(value));
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** `path` below `/api/v1/database`, for the database that the page shows. */
export function databaseUrl(path: string, query: Query, parameters: Parameters = {}): string {
  return withParameters(`${root}/database${path}`, { database: query['database'], ...parameters });
}

/** Likewise, over the time range that the page shows. */
export function rangeUrl(path: string, query: Query, range: Range, parameters: Parameters = {}): string {
  return databaseUrl(path, query, { from: range.from, to: range.to, ...parameters });
}
