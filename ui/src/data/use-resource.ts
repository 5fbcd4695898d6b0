import { useEffect, useRef } from 'preact/hooks';
import type { Failure } from './client.ts';
import { peek, refresh, watch, type RefreshPolicy } from './resource-cache.ts';
import { useRender } from './use-render.ts';

export interface Resource<Answer> {
  data: Answer | undefined;
  /** When the data arrived. */
  at: number | undefined;
  failure: Failure | undefined;
  loading: boolean;
  /** Set when the data is older than it should be, because asking again failed. */
  staleSince: number | undefined;
  refresh(): void;
}

/** What must stay the same for old data to be shown while new data is on its way: the thing, not its range or filter. */
function identity(url: string): string {
  const { pathname, searchParams } = new URL(url, location.origin);
  return `${pathname} ${searchParams.get('database') ?? ''}`;
}

/** The API's answer at `url`, kept up to date by `policy`. `undefined` asks for nothing. */
export function useResource<Answer>(url: string | undefined, policy?: RefreshPolicy): Resource<Answer> {
  const render = useRender();
  const kept = useRef<{ identity: string; data: Answer; at: number } | undefined>(undefined);

  useEffect(() => {
    if (url === undefined) return undefined;
    return watch(url, render, policy);
  }, [url, policy?.everyMs, policy?.on.join()]);

  const entry = url === undefined ? undefined : peek(url);
  if (url !== undefined && entry?.at !== undefined) {
    kept.current = { identity: identity(url), data: entry.data as Answer, at: entry.at };
  }
  const shown = url !== undefined && kept.current?.identity === identity(url) ? kept.current : undefined;
  return {
    data: shown?.data,
    at: shown?.at,
    failure: entry?.failure,
    loading: entry?.loading ?? url !== undefined,
    staleSince: entry?.failure && shown ? shown.at : undefined,
    refresh: () => url !== undefined && refresh(url),
  };
}
