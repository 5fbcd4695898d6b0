import { useLocation } from 'preact-iso';
import { basePath } from './base.ts';
import { readRange, type Range } from './range.ts';
import { address, linkTo, patchQuery, type QueryPatch } from './url-state.ts';

interface Url {
  /** Below the path where the dashboard is served. */
  path: string;
  query: Record<string, string>;
  range: Range;
  /** Changes what is chosen on this page. `replace` leaves no step in the history (typing in a filter). */
  set(patch: QueryPatch, options?: { replace?: boolean }): void;
  /** The address of this page with other choices. */
  here(patch: QueryPatch): string;
  /** The address of another page; database and range go along. */
  to(path: string, patch?: QueryPatch): string;
  go(address: string): void;
}

export function useUrl(): Url {
  const { path: location, query, route } = useLocation();
  const path = location.slice(basePath.length) || '/';
  const here = (patch: QueryPatch) => basePath + address(path, patchQuery(query, patch));
  return {
    path,
    query,
    range: readRange(query),
    here,
    set: (patch, options) => route(here(patch), options?.replace ?? false),
    to: (other, patch) => basePath + linkTo(other, query, patch),
    go: (target) => route(target),
  };
}
