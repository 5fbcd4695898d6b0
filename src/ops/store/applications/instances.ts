import type { ClientBase } from 'pg';
import { storable } from '../storable.ts';
import { numberArray, timeArray } from '../write/array-literal.ts';
import { limits } from './limits.ts';
import type { PoolState } from './pools.ts';
import type { PreparedReport } from './prepared.ts';
import type { Counted } from './sequence.ts';

/** A process of an application. */
export interface Instance {
  applicationId: number;
  name: string;
  counted: Counted;
  state: PoolState;
  /** It keeps values of parameters. */
  samplesParameters: boolean;
  /** Not in the store yet. */
  isNew: boolean;
}

/** Processes of some applications, by application and name. */
class Instances {
  readonly #byApplication = new Map<number, Map<string, Instance>>();

  find(applicationId: number, name: string): Instance | undefined {
    return this.#byApplication.get(applicationId)?.get(name);
  }

  of(applicationId: number): Instance[] {
    return [...(this.#byApplication.get(applicationId)?.values() ?? [])];
  }

  set(instance: Instance): void {
    const siblings = this.#byApplication.get(instance.applicationId) ?? new Map<string, Instance>();
    this.#byApplication.set(instance.applicationId, siblings);
    siblings.set(instance.name, instance);
  }
}

/** Longest that a process stays among the living without a report. */
const longestSilenceMs = 30 * 60_000;

interface InstanceRow {
  applicationId: number;
  name: string;
  highest: number;
  missing: number[];
  seenAt: Date;
  seconds: number;
  pool: PoolState['pool'];
  samplesParameters: boolean;
}

/** The processes that the reports are of, and all that may be alive of the applications in `whole`. */
export async function readInstances(
  client: ClientBase,
  reports: readonly PreparedReport[],
  whole: readonly PreparedReport[],
): Promise<Instances> {
  const since = Math.min(...reports.map(({ received }) => received.arrivedAt.getTime())) - longestSilenceMs;
  const { rows } = await client.query<InstanceRow>(
    `
     SELECT application_id                AS "applicationId",
            name,
            sequence::double precision    AS highest,
            missing::double precision[]   AS missing,
            seen_at                       AS "seenAt",
            seconds,
            pool,
            samples_parameters            AS "samplesParameters"
     FROM   pitcrew.application_instance
     WHERE  (application_id, name) IN (SELECT * FROM unnest($1::integer[], $2::text[]))
     OR     (application_id = ANY ($3::integer[]) AND seen_at > $4)`,
    [
      numberArray(reports.map(({ applicationId }) => applicationId)),
      reports.map(({ received }) => storable(received.report.instance)),
      numberArray([...new Set(whole.map(({ applicationId }) => applicationId))]),
      new Date(since),
    ],
  );
  const instances = new Instances();
  for (const { applicationId, name, highest, missing, seenAt, seconds, pool, samplesParameters } of rows) {
    const state = { seenAt: seenAt.getTime(), seconds, pool };
    instances.set({ applicationId, name, counted: { highest, missing }, state, samplesParameters, isNew: false });
  }
  return instances;
}

/** Writes processes; beyond the limit those seen longest ago are forgotten. */
export async function writeInstances(client: ClientBase, changed: readonly Instance[]): Promise<void> {
  if (changed.length === 0) return;
  await client.query(
    `
     INSERT INTO pitcrew.application_instance
            (application_id, name, sequence, missing, seen_at, seconds, pool, samples_parameters)
     SELECT application_id, name, sequence, missing::bigint[], seen_at, seconds, pool::jsonb, samples_parameters
     FROM   unnest($1::integer[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[], $6::double precision[],
                   $7::text[], $8::boolean[])
            AS input (application_id, name, sequence, missing, seen_at, seconds, pool, samples_parameters)
     ON CONFLICT (application_id, name) DO UPDATE
     SET    sequence           = excluded.sequence,
            missing            = excluded.missing,
            seen_at            = excluded.seen_at,
            seconds            = excluded.seconds,
            pool               = excluded.pool,
            samples_parameters = excluded.samples_parameters`,
    [
      numberArray(changed.map(({ applicationId }) => applicationId)),
      changed.map(({ name }) => name),
      numberArray(changed.map(({ counted }) => counted.highest)),
      changed.map(({ counted }) => numberArray(counted.missing)),
      timeArray(changed.map(({ state }) => state.seenAt)),
      numberArray(changed.map(({ state }) => state.seconds)),
      changed.map(({ state }) => storableJson(state.pool)),
      changed.map(({ samplesParameters }) => samplesParameters),
    ],
  );
  const grown = new Set(changed.filter(({ isNew }) => isNew).map(({ applicationId }) => applicationId));
  if (grown.size === 0) return;
  await client.query(
    `
     DELETE FROM pitcrew.application_instance AS kept
     USING  (
       SELECT application_id, name, row_number() OVER (PARTITION BY application_id ORDER BY seen_at DESC) AS place
       FROM   pitcrew.application_instance
       WHERE  application_id = ANY ($1::integer[])
     ) AS ordered
     WHERE  (kept.application_id, kept.name) = (ordered.application_id, ordered.name)
     AND    place > $2`,
    [numberArray([...grown]), limits.instances],
  );
}

/** PostgreSQL's jsonb takes no NUL character, not even escaped, and no half of a surrogate pair. */
function storableJson(pool: PoolState['pool']): string {
  return JSON.stringify(pool.map((endpoint) => ({ ...endpoint, endpoint: storable(endpoint.endpoint) })));
}
