import type { ClientBase } from 'pg';
import { isLive } from '../applications/pools.ts';
import type { PreparedReport } from '../applications/prepared.ts';
import { storable } from '../storable.ts';
import type { MetricSample } from '../types.ts';
import { numberArray, timeArray } from '../write/array-literal.ts';
import { tiersOf } from './sizes.ts';
import type { CacheState } from './types.ts';

/** A report that is the latest of its process, and how often that reports. */
export interface LatestReport {
  prepared: PreparedReport;
  instance: string;
  seconds: number;
}

/** Writes how the caches stand in the processes that told of them. */
export async function writeCacheInstances(client: ClientBase, latest: readonly LatestReport[]): Promise<void> {
  const rows = new Map(
    latest.flatMap(({ prepared, instance, seconds }) =>
      prepared.caches.map(({ id, cache }) => {
        const { applicationId, received } = prepared;
        const at = received.arrivedAt.getTime();
        const state: CacheState = {
          tiers: cache.tiers.map(({ name, entries, bytes, isAway }) => ({ name, entries, bytes, isAway })),
          stream: cache.stream,
          warmers: cache.warmers,
        };
        return [`${applicationId}\n${id}\n${instance}`, { applicationId, instance, id, at, seconds, state }] as const;
      }),
    ),
  );
  if (rows.size === 0) return;
  const all = [...rows.values()];
  await client.query(
    `
     INSERT INTO pitcrew.cache_instance (application_id, instance, cache_id, since, seen_at, seconds, state)
     SELECT application_id, instance, cache_id, since, seen_at, seconds, state::jsonb
     FROM   unnest($1::integer[], $2::text[], $3::integer[], $4::timestamptz[], $5::timestamptz[], $6::double precision[], $7::text[])
            AS input (application_id, instance, cache_id, since, seen_at, seconds, state)
     ON CONFLICT (application_id, instance, cache_id) DO UPDATE
     SET    seen_at = excluded.seen_at,
            seconds = excluded.seconds,
            state   = excluded.state`,
    [
      numberArray(all.map(({ applicationId }) => applicationId)),
      all.map(({ instance }) => instance),
      numberArray(all.map(({ id }) => id)),
      // By this side's clock: the first report covers the time since the process began to count.
      timeArray(all.map(({ at, seconds }) => at - seconds * 1000)),
      timeArray(all.map(({ at }) => at)),
      numberArray(all.map(({ seconds }) => seconds)),
      all.map(({ state }) => storableJson(state)),
    ],
  );
}

/** PostgreSQL's jsonb takes no NUL character, not even escaped, and no half of a surrogate pair. */
function storableJson(state: CacheState): string {
  return JSON.stringify(state, (_key, value: unknown) => (typeof value === 'string' ? storable(value) : value));
}

/** Writes what processes tell of commands; the first result of a process counts. */
export async function writeCommandResults(client: ClientBase, reports: readonly PreparedReport[]): Promise<void> {
  const results = reports.flatMap(({ applicationId, received: { report, targetId, arrivedAt } }) =>
    report.commandResults.map((result) => ({
      ...result,
      targetId,
      applicationId,
      instance: storable(report.instance),
      at: arrivedAt.getTime(),
    })),
  );
  if (results.length === 0) return;
  const text = (value: string | null): string | null => (value === null ? null : storable(value));
  await client.query(
    `
     INSERT INTO pitcrew.cache_command_result (command_id, cache_id, instance, done_at, ok, error, detail)
     SELECT command.id, cache.id, input.instance, done_at, ok, error, detail
     FROM   unnest($1::text[], $2::integer[], $3::integer[], $4::text[], $5::text[], $6::timestamptz[], $7::boolean[],
                   $8::text[], $9::text[])
            AS input (id, target_id, application_id, instance, cache, done_at, ok, error, detail)
     JOIN   pitcrew.cache_command AS command ON command.id::text = input.id AND command.target_id = input.target_id
     JOIN   pitcrew.cache ON cache.application_id = input.application_id AND cache.name = input.cache
     JOIN   pitcrew.cache_instance AS told
            ON (told.application_id, told.instance, told.cache_id) = (input.application_id, input.instance, cache.id)
     ON CONFLICT DO NOTHING`,
    [
      results.map(({ id }) => storable(id)),
      numberArray(results.map(({ targetId }) => targetId)),
      numberArray(results.map(({ applicationId }) => applicationId)),
      results.map(({ instance }) => instance),
      results.map(({ cache }) => storable(cache)),
      timeArray(results.map(({ at }) => at)),
      results.map(({ ok }) => ok),
      results.map(({ error }) => text(error)),
      results.map(({ detail }) => text(detail)),
    ],
  );
}

interface StateRow {
  applicationId: number;
  application: string;
  cache: string;
  seenAt: Date;
  seconds: number;
  state: CacheState;
}

/** Sizes of an application's caches and how far behind their streams are, over all its processes, as gauges. */
export async function cacheSamples(
  client: ClientBase,
  due: ReadonlyMap<number, number>,
): Promise<{ applicationId: number; samples: MetricSample[] }[]> {
  if (due.size === 0) return [];
  const { rows } = await client.query<StateRow>(
    `
     SELECT told.application_id AS "applicationId",
            application.name    AS application,
            cache.name          AS cache,
            told.seen_at        AS "seenAt",
            told.seconds,
            told.state
     FROM   pitcrew.cache_instance AS told
     JOIN   pitcrew.cache ON cache.id = told.cache_id
     JOIN   pitcrew.application ON application.id = told.application_id
     WHERE  told.application_id = ANY ($1::integer[])
     AND    told.seen_at > $2`,
    [numberArray([...due.keys()]), new Date(Math.min(...due.values()) - 30 * 60_000)],
  );
  const live = rows.filter(({ applicationId, seenAt, seconds }) =>
    isLive({ seenAt: seenAt.getTime(), seconds }, due.get(applicationId) ?? 0),
  );
  return [...Map.groupBy(live, ({ applicationId }) => applicationId)].map(([applicationId, told]) => ({
    applicationId,
    samples: samplesOf(told),
  }));
}

function samplesOf(rows: readonly StateRow[]): MetricSample[] {
  return [...Map.groupBy(rows, ({ cache }) => cache)].flatMap(([cache, told]) => {
    const application = told[0]?.application ?? '';
    const states = told.map(({ state }) => state);
    const gauge = (name: string, labels: Record<string, string>, value: number | null): MetricSample[] =>
      value === null ? [] : [{ name, labels: { application, cache, ...labels }, kind: 'gauge', value }];
    const lags = states.flatMap(({ stream }) => stream?.lagMs ?? []);
    return [
      ...tiersOf(states).flatMap(({ name: tier, entries, bytes }) => [
        ...gauge('cache.entries', { tier }, entries),
        ...gauge('cache.bytes', { tier }, bytes),
      ]),
      ...gauge('cache.stream_lag_seconds', {}, lags.length === 0 ? null : Math.max(...lags) / 1000),
    ];
  });
}
