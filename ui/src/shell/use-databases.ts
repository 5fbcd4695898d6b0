import type { Databases } from '../../../src/server/api/system.ts';
import { databasesUrl } from '../data/api.ts';
import { useResource, type Resource } from '../data/use-resource.ts';
import { useUrl } from '../data/use-url.ts';

const policy = { on: ['status'], everyMs: 3000 };

export type WatchedDatabase = Databases['databases'][number];

/** The watched databases, and the one that the page shows. */
export function useDatabases(): { all: Resource<Databases>; current: WatchedDatabase | undefined } {
  const all = useResource<Databases>(databasesUrl, policy);
  const { query } = useUrl();
  const list = all.data?.databases;
  return {
    all,
    current: query['database'] === undefined ? list?.[0] : list?.find(({ name }) => name === query['database']),
  };
}
