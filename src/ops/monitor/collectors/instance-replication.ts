import {
  type ReplicationRow,
  readReplication,
  readSlots,
  readStandby,
  readWalReceiver,
  type StandbyRow,
  type WalReceiverRow,
} from '../../../engine/postgres/index.ts';
import type { MetricSample } from '../../store/index.ts';
import type { SlotState } from '../health/index.ts';
import { gauge, type Scrape } from './collector.ts';
import type { SubjectFound } from './instance-subjects.ts';

/** At most so many replicas or slots are named in metrics: those that hold back or lag most. */
const named = 50;

/** Who streams from this server, and how far behind. */
export async function readReplicationSubject({ connection, profile }: Scrape): Promise<SubjectFound> {
  const { rows, skipped } = await readReplication(connection, profile);
  const replicas = rows.filter(isReplica);
  const byName = new Map<string, ReplicationRow>();
  for (const row of replicas.toSorted((a, b) => (a.replayLagBytes ?? 0) - (b.replayLagBytes ?? 0))) {
    byName.set(replicaName(row, replicas), row);
  }
  return {
    counters: [],
    gauges: [
      gauge('replication.replicas', replicas.length),
      ...[...byName].slice(-named).flatMap(([replica, row]) => lag(replica, row)),
    ],
    skipped,
  };
}

/** A backup streams too, and so does whoever receives the log for one: neither is missed when it has gone. */
function isReplica({ state, application }: ReplicationRow): boolean {
  return state !== null && state !== 'backup' && !application.startsWith('pitcrew backup');
}

/** Its slot, which is its own; else its application, with the address when several share one. */
function replicaName(row: ReplicationRow, all: readonly ReplicationRow[]): string {
  if (row.slot) return row.slot;
  const name = row.application || 'replica';
  const alone = all.filter(({ application }) => application === row.application).length === 1;
  return alone ? name : `${name} ${row.client ?? 'local'}`;
}

function lag(replica: string, row: ReplicationRow): MetricSample[] {
  const bytes = row.replayLagBytes;
  return [
    ...(bytes === null ? [] : [gauge('replication.replay_lag_bytes', bytes, { replica })]),
    // PostgreSQL gives no lag time when a replica has nothing left to replay.
    gauge('replication.replay_lag_seconds', row.replayLagSeconds ?? 0, { replica }),
  ];
}

export async function readSlotsSubject({
  connection,
  profile,
}: Scrape): Promise<SubjectFound & { slots: SlotState[] }> {
  const { rows, skipped } = await readSlots(connection, profile);
  const largest = rows.toSorted((a, b) => (b.retainedBytes ?? 0) - (a.retainedBytes ?? 0)).slice(0, named);
  return {
    counters: [],
    gauges: largest.flatMap(({ slot, retainedBytes }) =>
      retainedBytes === null ? [] : [gauge('replication.slot_retained_bytes', retainedBytes, { slot })],
    ),
    skipped,
    slots: rows,
  };
}

/** How far we are behind when the server is a standby. */
export async function readStandbySubject({
  connection,
}: Scrape): Promise<SubjectFound & { standby: StandbyRow | undefined }> {
  const { rows, skipped } = await readStandby(connection);
  const [standby] = rows;
  const gauges = standby?.inRecovery
    ? [
        ...(standby.lagSeconds === null ? [] : [gauge('replication.own_lag_seconds', standby.lagSeconds)]),
        ...(standby.lagBytes === null ? [] : [gauge('replication.own_lag_bytes', standby.lagBytes)]),
      ]
    : [];
  return { counters: [], gauges, skipped, standby };
}

export async function readWalReceiverSubject({
  connection,
  profile,
}: Scrape): Promise<SubjectFound & { receiver: WalReceiverRow | undefined }> {
  const { rows, skipped } = await readWalReceiver(connection, profile);
  return { counters: [], gauges: [], skipped, receiver: rows[0] };
}
