import { readReplication, readSlots } from '../../../engine/postgres/index.ts';
import type { ReplicaSession } from '../types.ts';

/** A standby as the server sees it that sends it WAL. */
interface Receiver {
  application: string;
  client: string | null;
  slot: string | null;
}

/** By what a standby that we reached can be known again. */
interface Marks {
  slot: string | null;
  application: string | null;
  host: string | null;
}

/**
 * Names of the standbys that the servers know of, but that are not among them. Standbys that are away for now are known by
 * their slots. What receives WAL and is no standby (base backups, archivers, logical subscribers) is left out.
 */
export async function unaskedReplicas(servers: readonly ReplicaSession[]): Promise<string[]> {
  const receivers: Receiver[] = [];
  for (const server of servers) receivers.push(...(await receiversOf(server)));
  const marks: Marks[] = [];
  for (const server of servers.filter(({ profile }) => profile.isStandby)) marks.push(await marksOf(server));
  return unmatched(receivers, marks).map(({ application, client, slot }) =>
    [application || (slot ? `slot ${slot}` : 'a standby'), client ? ` at ${client}` : ''].join(''),
  );
}

async function receiversOf({ connection, profile }: ReplicaSession): Promise<Receiver[]> {
  const { rows } = await readReplication(connection, profile);
  const slots = (await readSlots(connection, profile)).rows;
  const logical = new Set(slots.filter(({ type }) => type === 'logical').map(({ slot }) => slot));
  // Only what replays has a replay position. A role that may not see it sees no state either: then it counts as one.
  const standbys = rows.filter((row) => (row.replayLsn !== null || row.state === null) && !logical.has(row.slot ?? ''));
  const away = slots.filter(({ type, active, temporary }) => type === 'physical' && !active && !temporary);
  return [
    ...standbys.map(({ application, client, slot }) => ({ application, client, slot })),
    ...away.map(({ slot }) => ({ application: '', client: null, slot })),
  ];
}

async function marksOf({ connection }: ReplicaSession): Promise<Marks> {
  const [row] = await connection.run<Marks & { receiverSlot: string | null; cluster: string }>(
    `
    SELECT nullif(current_setting('primary_slot_name'), '')  AS "slot",
           w.slot_name                                       AS "receiverSlot",
           substring(w.conninfo FROM 'application_name=(\\S+)') AS "application",
           current_setting('cluster_name')                   AS "cluster",
           host(inet_server_addr())                          AS "host"
      FROM (SELECT) one
      LEFT JOIN pg_stat_wal_receiver w ON true
    `,
  );
  return {
    slot: row?.receiverSlot || row?.slot || null,
    application: row?.application || row?.cluster || null,
    host: row?.host ?? null,
  };
}

/** Takes away one receiver for each standby that we reached: by slot, else by name, else by address. */
function unmatched(receivers: readonly Receiver[], reached: readonly Marks[]): Receiver[] {
  const left = [...receivers];
  for (const marks of reached) {
    const tests: ((receiver: Receiver) => boolean)[] = [
      ({ slot }) => slot !== null && slot === marks.slot,
      ({ application }) => application !== '' && application === marks.application,
      ({ client }) => client !== null && client === marks.host,
    ];
    const found = tests.map((matches) => left.findIndex(matches)).find((index) => index >= 0);
    if (found !== undefined) left.splice(found, 1);
  }
  return left;
}
