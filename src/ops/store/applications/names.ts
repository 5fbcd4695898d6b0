import type { ClientBase } from 'pg';
import { storable } from '../storable.ts';
import { BoundedMap } from '../write/bounded-map.ts';
import { resolve } from '../write/dimensions.ts';
import { limits, otherFingerprint, otherName, wholeFingerprint, wholeName } from './limits.ts';
import type { CachePartKind, CacheReport } from '../caches/types.ts';
import type { ActivityKind } from './types.ts';
import { findNames, type Named, type NameTable } from './name-table.ts';

export interface StatementName {
  targetId: number;
  applicationId: number;
  fingerprint: string;
  kind: string;
  /** `null` when only a repetition told of it. */
  text: string | null;
  at: number;
}

export interface CallerName {
  statementId: number;
  kind: 'site' | 'scope' | 'repeated';
  scope: string;
  site: string;
  at: number;
}

export interface ActivityName {
  applicationId: number;
  kind: ActivityKind;
  name: string;
  at: number;
}

export interface CacheName {
  applicationId: number;
  name: string;
  kind: CacheReport['kind'];
  at: number;
}

export interface CachePartName {
  cacheId: number;
  kind: CachePartKind;
  name: string;
  at: number;
}

/** Numbers in the order of the names, and which of them should have their `last_seen` moved on. */
interface Numbers {
  ids: number[];
  stale: Map<number, number>;
}

const applicationTable: NameTable = {
  table: 'pitcrew.application',
  keys: { target_id: 'integer', name: 'text' },
  group: ['target_id'],
  extras: [],
  limit: limits.applications,
};

const statementTable: NameTable = {
  table: 'pitcrew.application_statement',
  keys: { target_id: 'integer', application_id: 'integer', fingerprint: 'text' },
  group: ['target_id'],
  extras: ['kind', 'text'],
  limit: limits.statements,
};

const callerTable: NameTable = {
  table: 'pitcrew.caller',
  keys: { application_statement_id: 'integer', kind: 'text', scope: 'text', site: 'text' },
  group: ['application_statement_id', 'kind'],
  extras: [],
  limit: limits.callers,
};

const activityTable: NameTable = {
  table: 'pitcrew.activity',
  keys: { application_id: 'integer', kind: 'text', name: 'text' },
  group: ['application_id', 'kind'],
  extras: [],
  limit: limits.activities,
};

const cacheTable: NameTable = {
  table: 'pitcrew.cache',
  keys: { application_id: 'integer', name: 'text' },
  group: ['application_id'],
  extras: ['kind'],
  limit: limits.caches,
};

const cachePartTable: NameTable = {
  table: 'pitcrew.cache_part',
  keys: { cache_id: 'integer', kind: 'text', name: 'text' },
  group: ['cache_id', 'kind'],
  extras: [],
  limit: limits.cacheParts,
};

/** About 20 MB at most, together. */
const cached = {
  applications: 1000,
  statements: 20_000,
  callers: 50_000,
  activities: 10_000,
  caches: 1000,
  cacheParts: 20_000,
};
/** `last_seen` is brought up to date when it is behind by this much. */
const lagMs = 60_000;
/** What was beyond a limit may have room after this time. */
const rememberedMs = 3_600_000;

/**
 * Numbers of applications, their statements and callers, kept in memory. New ones are committed at once, before the rows
 * that use them.
 */
export class ApplicationNames {
  readonly #applications = new BoundedMap<Named>(cached.applications);
  readonly #statements = new BoundedMap<Named>(cached.statements);
  readonly #callers = new BoundedMap<Named>(cached.callers);
  readonly #activities = new BoundedMap<Named>(cached.activities);
  readonly #caches = new BoundedMap<Named>(cached.caches);
  readonly #cacheParts = new BoundedMap<Named>(cached.cacheParts);
  #since = Date.now();

  /** The store may be another one. */
  forget(): void {
    this.#applications.clear();
    this.#statements.clear();
    this.#callers.clear();
    this.#activities.clear();
    this.#caches.clear();
    this.#cacheParts.clear();
    this.#since = Date.now();
  }

  async applications(
    client: ClientBase,
    seen: readonly { targetId: number; name: string; at: number }[],
  ): Promise<number[]> {
    if (Date.now() > this.#since + rememberedMs) this.forget();
    const rows = seen.map(({ targetId, name, at }) => ({
      target_id: targetId,
      name: storable(name).trim() || otherName,
      at,
    }));
    const entries = await resolve(
      rows,
      ({ target_id: targetId, name }) => `${targetId}\n${name}`,
      this.#applications,
      (missing) => findNames(client, applicationTable, missing, (row) => ({ ...row, name: otherName })),
    );
    return entries.map(({ id }) => id);
  }

  async statements(client: ClientBase, seen: readonly StatementName[]): Promise<Numbers> {
    const rows = seen.map(({ targetId, applicationId, fingerprint, kind, text, at }) => ({
      target_id: targetId,
      application_id: applicationId,
      fingerprint,
      kind: storable(kind),
      text: text === null ? null : storable(text),
      at,
    }));
    const entries = await resolve(
      rows,
      ({ application_id: applicationId, fingerprint }) => `${applicationId}\n${fingerprint}`,
      this.#statements,
      (missing) =>
        findNames(client, statementTable, missing, (row) =>
          row.fingerprint === wholeFingerprint
            ? row
            : { ...row, fingerprint: otherFingerprint, kind: 'unknown', text: 'other statements' },
        ),
    );
    return { ids: entries.map(({ id }) => id), stale: staleOf(entries, seen) };
  }

  async callers(client: ClientBase, seen: readonly CallerName[]): Promise<Numbers> {
    const rows = seen.map(({ statementId, kind, scope, site, at }) => ({
      application_statement_id: statementId,
      kind,
      scope: storable(scope),
      site: storable(site),
      at,
    }));
    const entries = await resolve(
      rows,
      ({ application_statement_id: id, kind, scope, site }) => `${id}\n${kind}\n${JSON.stringify([scope, site])}`,
      this.#callers,
      (missing) =>
        findNames(client, callerTable, missing, (row) => ({
          ...row,
          scope: row.kind === 'site' ? '' : otherName,
          site: row.kind === 'scope' ? '' : otherName,
        })),
    );
    return { ids: entries.map(({ id }) => id), stale: staleOf(entries, seen) };
  }

  async activities(client: ClientBase, seen: readonly ActivityName[]): Promise<Numbers> {
    const rows = seen.map(({ applicationId, kind, name, at }) => ({
      application_id: applicationId,
      kind,
      name: storable(name),
      at,
    }));
    const entries = await resolve(
      rows,
      ({ application_id: id, kind, name }) => `${id}\n${kind}\n${name}`,
      this.#activities,
      (missing) =>
        findNames(client, activityTable, missing, (row) =>
          row.name === wholeName ? row : { ...row, name: otherName },
        ),
    );
    return { ids: entries.map(({ id }) => id), stale: staleOf(entries, seen) };
  }

  async caches(client: ClientBase, seen: readonly CacheName[]): Promise<Numbers> {
    const rows = seen.map(({ applicationId, name, kind, at }) => ({
      application_id: applicationId,
      name: storable(name).trim() || otherName,
      kind,
      at,
    }));
    const entries = await resolve(
      rows,
      ({ application_id: id, name }) => `${id}\n${name}`,
      this.#caches,
      (missing) => findNames(client, cacheTable, missing, (row) => ({ ...row, name: otherName })),
    );
    return { ids: entries.map(({ id }) => id), stale: staleOf(entries, seen) };
  }

  async cacheParts(client: ClientBase, seen: readonly CachePartName[]): Promise<Numbers> {
    const rows = seen.map(({ cacheId, kind, name, at }) => ({ cache_id: cacheId, kind, name: storable(name), at }));
    const entries = await resolve(
      rows,
      ({ cache_id: id, kind, name }) => `${id}\n${kind}\n${name}`,
      this.#cacheParts,
      (missing) => findNames(client, cachePartTable, missing, (row) => ({ ...row, name: otherName })),
    );
    return { ids: entries.map(({ id }) => id), stale: staleOf(entries, seen) };
  }
}

function staleOf(entries: readonly Named[], seen: readonly { at: number }[]): Map<number, number> {
  const stale = new Map<number, number>();
  for (const [index, entry] of entries.entries()) {
    const at = seen[index]?.at ?? 0;
    if (at < entry.lastSeen + lagMs) continue;
    stale.set(entry.id, Math.max(at, stale.get(entry.id) ?? 0));
    entry.lastSeen = at;
  }
  return stale;
}
