import type { ClientBase } from 'pg';
import { cacheSamples, type LatestReport, writeCacheInstances, writeCommandResults } from '../caches/instances.ts';
import { rowsOfCaches } from '../caches/prepare.ts';
import type { CacheCounters } from '../caches/types.ts';
import { isMissingPartition } from '../failures.ts';
import { activityFields, cacheFields, columnName, families } from '../families.ts';
import { type LevelName, levelNames } from '../levels.ts';
import { type Partition, partitionAt, type Partitions } from '../partitions.ts';
import { storable } from '../storable.ts';
import { inTransaction } from '../transaction.ts';
import { numberArray, timeArray } from '../write/array-literal.ts';
import { Dimensions, seriesKey } from '../write/dimensions.ts';
import { addRow, emptyRows, type FamilyRows } from '../write/rows.ts';
import { lockWatermarks, writeRows } from '../write/write-batches.ts';
import { type Instance, readInstances, writeInstances } from './instances.ts';
import type { ApplicationNames } from './names.ts';
import { writeParameters } from './parameters.ts';
import { isLive, poolSamples, sumPools } from './pools.ts';
import { type Prepared, prepareReports, rowsOfReports, type Sum } from './prepare.ts';
import { type ActivityAddition, rowsOfActivities } from './prepare-activities.ts';
import { type PreparedReport, timeOf } from './prepared.ts';
import { countReport } from './sequence.ts';
import type { ReceivedReport } from './types.ts';

const mostAttempts = 5;
/** The pools of an application are added up so often. */
const sampleEveryMs = 10_000;

/**
 * Writes reports in one transaction, each unless it was counted before: what came twice, or was written by an attempt whose
 * answer was lost, changes nothing. Several daemons may do this at once.
 */
export async function writeReports(
  client: ClientBase,
  names: ApplicationNames,
  partitions: Partitions,
  received: readonly ReceivedReport[],
): Promise<void> {
  const prepared = await prepareReports(client, names, received);
  await partitions.ensure(client, partitionsOf(received, ['raw']));
  for (let attempt = 1; ; attempt++) {
    try {
      await inTransaction(client, () => writePrepared(client, prepared));
      return;
    } catch (error) {
      if (!isMissingPartition(error) || attempt === mostAttempts) throw error;
    }
    // A late report needs partitions of the roll-ups too, or retention dropped some meanwhile.
    partitions.forget();
    await partitions.ensure(client, partitionsOf(received, levelNames));
  }
}

function partitionsOf(received: readonly ReceivedReport[], levels: readonly LevelName[]): Partition[] {
  return received.flatMap((each) =>
    levels.flatMap((level) => [
      partitionAt('application', level, timeOf(each, 'application')),
      partitionAt('caller', level, timeOf(each, 'caller')),
      partitionAt('activity', level, timeOf(each, 'activity')),
      partitionAt('cache', level, timeOf(each, 'cache')),
      partitionAt('metric', level, each.arrivedAt.getTime()),
    ]),
  );
}

interface LockedApplication {
  id: number;
  targetId: number;
  name: string;
  sampledAt: number;
  /** Calls by bucket since it was first seen. */
  latency: number[];
}

async function writePrepared(client: ClientBase, { reports, ...seen }: Prepared): Promise<void> {
  const applications = await lockApplications(client, reports);
  const accepted = await acceptReports(client, applications, reports);
  if (accepted.reports.length === 0) return;
  const { application, caller, sums } = rowsOfReports(accepted.reports);
  const activity = rowsOfActivities(accepted.reports);
  const cache = rowsOfCaches(accepted.reports);
  await writeCacheInstances(client, accepted.latest);
  await writeCommandResults(client, accepted.reports);
  const samples = [...accepted.samples, ...(await samplesOfCaches(client, accepted.samples))];
  const all = [application, caller, activity.rows, cache.rows, await metricRows(client, samples)];
  const rows = all.filter(({ keys }) => keys.length > 0);
  const watermarks = await lockWatermarks(client, rows);
  for (const family of rows) await writeRows(client, family, watermarks);
  await addToApplications(client, applications, accepted.reports, sums);
  await writeParameters(client, accepted.reports);
  await addToActivities(client, activity.additions);
  await addToCacheParts(client, cache.additions);
  await moveLastSeen(client, 'pitcrew.application_statement', seen.seenStatements);
  await moveLastSeen(client, 'pitcrew.caller', seen.seenCallers);
  await moveLastSeen(client, 'pitcrew.activity', seen.seenActivities);
  await moveLastSeen(client, 'pitcrew.cache', seen.seenCaches);
  await moveLastSeen(client, 'pitcrew.cache_part', seen.seenCacheParts);
}

/** From here on no other daemon writes for these applications until the transaction ends. */
async function lockApplications(
  client: ClientBase,
  reports: readonly PreparedReport[],
): Promise<Map<number, LockedApplication>> {
  const { rows } = await client.query<Omit<LockedApplication, 'sampledAt'> & { sampledAt: Date | null }>(
    `
     SELECT   id, target_id AS "targetId", name, latency, sampled_at AS "sampledAt"
     FROM     pitcrew.application
     WHERE    id = ANY ($1::integer[])
     ORDER BY id
     FOR      UPDATE`,
    [numberArray([...new Set(reports.map(({ applicationId }) => applicationId))])],
  );
  return new Map(rows.map((row) => [row.id, { ...row, sampledAt: row.sampledAt?.getTime() ?? -Infinity }]));
}

interface PoolSample {
  applicationId: number;
  targetId: number;
  at: number;
  samples: ReturnType<typeof poolSamples>;
}

interface Accepted {
  reports: PreparedReport[];
  /** Those of them that say how their process stands now. */
  latest: LatestReport[];
  samples: PoolSample[];
}

/** Reports that were not counted before, and how the pools stood meanwhile. */
async function acceptReports(
  client: ClientBase,
  applications: ReadonlyMap<number, LockedApplication>,
  reports: readonly PreparedReport[],
): Promise<Accepted> {
  const isDue = ({ applicationId, received }: PreparedReport): boolean =>
    received.arrivedAt.getTime() >= (applications.get(applicationId)?.sampledAt ?? 0) + sampleEveryMs;
  const instances = await readInstances(client, reports, reports.filter(isDue));
  const accepted: Accepted = { reports: [], latest: [], samples: [] };
  const changed = new Set<Instance>();
  for (const prepared of reports) {
    const { report, arrivedAt, targetId } = prepared.received;
    const application = applications.get(prepared.applicationId);
    const name = storable(report.instance);
    const known = instances.find(prepared.applicationId, name);
    const counted = countReport(known?.counted ?? { highest: 0, missing: [] }, report.sequence);
    if (!application || !counted) continue;
    accepted.reports.push(prepared);
    const at = arrivedAt.getTime();
    const seconds = Math.max(0, (Date.parse(report.to) - Date.parse(report.from)) / 1000);
    // What was sent again later is not the latest.
    const isLatest = counted.highest === report.sequence;
    const state = isLatest || !known ? { seenAt: at, seconds, pool: report.pool } : known.state;
    if (isLatest) accepted.latest.push({ prepared, instance: name, seconds });
    const instance = {
      applicationId: prepared.applicationId,
      name,
      counted,
      state,
      samplesParameters: isLatest || !known ? report.samplesParameters : known.samplesParameters,
      isNew: known?.isNew ?? true,
    };
    changed.delete(known ?? instance);
    changed.add(instance);
    instances.set(instance);
    if (at < application.sampledAt + sampleEveryMs) continue;
    application.sampledAt = at;
    const live = instances.of(application.id).filter((each) => isLive(each.state, at));
    const pools = sumPools(live.map((each) => each.state));
    accepted.samples.push({
      applicationId: application.id,
      targetId,
      at,
      samples: poolSamples(application.name, pools),
    });
  }
  await writeInstances(client, [...changed]);
  return accepted;
}

/** Caches of the applications whose pools are sampled, at the last of these moments. */
async function samplesOfCaches(client: ClientBase, pools: readonly PoolSample[]): Promise<PoolSample[]> {
  const last = new Map(pools.map((sample) => [sample.applicationId, sample]));
  const due = new Map([...last].map(([id, { at }]) => [id, at]));
  return (await cacheSamples(client, due)).flatMap(({ applicationId, samples }) => {
    const moment = last.get(applicationId);
    return moment ? [{ ...moment, samples }] : [];
  });
}

/** Made in the transaction, so that its numbers are not remembered: it may be undone. */
async function metricRows(client: ClientBase, samples: readonly PoolSample[]): Promise<FamilyRows> {
  const rows = emptyRows(families.metric);
  const all = samples.flatMap(({ targetId, at, samples: gauges }) => gauges.map((gauge) => ({ targetId, at, gauge })));
  const ids = await new Dimensions().series(
    client,
    all.map(({ targetId, gauge }) => seriesKey(targetId, gauge)),
  );
  for (const [index, { targetId, at, gauge }] of all.entries()) {
    addRow(rows, targetId, ids[index] ?? 0, at, [null, gauge.value]);
  }
  return rows;
}

async function addToApplications(
  client: ClientBase,
  applications: ReadonlyMap<number, LockedApplication>,
  reports: readonly PreparedReport[],
  sums: ReadonlyMap<number, Sum>,
): Promise<void> {
  const seen = new Map<number, number>();
  for (const { applicationId, received } of reports) {
    seen.set(applicationId, Math.max(received.arrivedAt.getTime(), seen.get(applicationId) ?? 0));
  }
  const entries = [...sums].flatMap(([id, sum]) => {
    const application = applications.get(id);
    if (!application) return [];
    const latency = [...application.latency];
    for (const [bucket, count] of sum.latency) {
      while (latency.length <= bucket) latency.push(0);
      latency[bucket] = Math.min((latency[bucket] ?? 0) + count, Number.MAX_SAFE_INTEGER);
    }
    return [{ id, sum, latency, seen: seen.get(id) ?? 0, sampledAt: application.sampledAt }];
  });
  const counters = (name: keyof Sum['counters']): string => numberArray(entries.map(({ sum }) => sum.counters[name]));
  await client.query(
    `
     UPDATE pitcrew.application
     SET    last_seen  = greatest(application.last_seen, input.seen),
            sampled_at = input.sampled_at,
            calls      = application.calls + input.calls,
            errors     = application.errors + input.errors,
            rows       = application.rows + input.rows,
            total_us   = application.total_us + input.total_us,
            wait_us    = application.wait_us + input.wait_us,
            latency    = input.latency::double precision[]
     FROM   unnest($1::integer[], $2::timestamptz[], $3::timestamptz[], $4::double precision[], $5::double precision[],
                   $6::double precision[], $7::double precision[], $8::double precision[], $9::text[])
            AS input (id, seen, sampled_at, calls, errors, rows, total_us, wait_us, latency)
     WHERE  application.id = input.id`,
    [
      numberArray(entries.map(({ id }) => id)),
      timeArray(entries.map((entry) => entry.seen)),
      timeArray(entries.map(({ sampledAt }) => sampledAt)),
      counters('calls'),
      counters('errors'),
      counters('rows'),
      counters('totalUs'),
      counters('waitUs'),
      entries.map(({ latency }) => numberArray(latency)),
    ],
  );
}

/** Their application is locked: nobody else adds to them. */
async function addToActivities(client: ClientBase, additions: readonly ActivityAddition[]): Promise<void> {
  if (additions.length === 0) return;
  const names = activityFields.map(columnName);
  const latencies = additions.map(({ figures }) => {
    const counts = Array.from({ length: Math.max(0, ...figures.latency.map(([bucket]) => bucket + 1)) }, () => 0);
    for (const [bucket, count] of figures.latency) counts[bucket] = count;
    return numberArray(counts);
  });
  await client.query(
    `
     UPDATE pitcrew.activity AS kept
     SET    ${names.map((name) => `${name} = kept.${name} + input.${name}`).join(', ')},
            latency = coalesce((
              SELECT array_agg(coalesce(before, 0) + coalesce(more, 0) ORDER BY place)
              FROM   unnest(kept.latency, input.latency::double precision[]) WITH ORDINALITY AS counts (before, more, place)
            ), '{}')
     FROM   unnest($1::integer[], $2::text[], ${names.map((_, index) => `$${index + 3}::double precision[]`).join(', ')})
            AS input (id, latency, ${names.join(', ')})
     WHERE  kept.id = input.id`,
    [
      numberArray(additions.map(({ id }) => id)),
      latencies,
      ...activityFields.map((field) => numberArray(additions.map(({ figures }) => figures[field]))),
    ],
  );
}

/** As `addToActivities`. */
async function addToCacheParts(client: ClientBase, additions: ReadonlyMap<number, CacheCounters>): Promise<void> {
  if (additions.size === 0) return;
  const names = cacheFields.map(columnName);
  await client.query(
    `
     UPDATE pitcrew.cache_part AS kept
     SET    ${names.map((name) => `${name} = kept.${name} + input.${name}`).join(', ')}
     FROM   unnest($1::integer[], ${names.map((_, index) => `$${index + 2}::double precision[]`).join(', ')})
            AS input (id, ${names.join(', ')})
     WHERE  kept.id = input.id`,
    [
      numberArray([...additions.keys()]),
      ...cacheFields.map((field) => numberArray([...additions.values()].map((counters) => counters[field]))),
    ],
  );
}

async function moveLastSeen(client: ClientBase, table: string, seen: ReadonlyMap<number, number>): Promise<void> {
  if (seen.size === 0) return;
  await client.query(
    `
     UPDATE ${table} AS kept
     SET    last_seen = at
     FROM   unnest($1::integer[], $2::timestamptz[]) AS input (id, at)
     WHERE  kept.id = input.id AND kept.last_seen < at`,
    [numberArray([...seen.keys()]), timeArray([...seen.values()])],
  );
}
