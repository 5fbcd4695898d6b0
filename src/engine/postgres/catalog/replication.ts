import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { grantRole } from '../remedies.ts';
import { type Reading, read } from './reading.ts';

/** A receiver of our WAL: a standby, a logical subscriber or a base backup. */
export interface ReplicationRow {
  pid: number;
  user: string | null;
  application: string;
  client: string | null;
  backendStart: Date | null;
  /** `streaming`, `catchup`, `startup`, `backup`, `stopping`; `null` when hidden from us. */
  state: string | null;
  syncState: string | null;
  slot: string | null;
  sentLsn: string | null;
  replayLsn: string | null;
  /** WAL written here but not yet sent, flushed or replayed there. */
  sentLagBytes: number | null;
  flushLagBytes: number | null;
  replayLagBytes: number | null;
  writeLagSeconds: number | null;
  flushLagSeconds: number | null;
  replayLagSeconds: number | null;
  replyTime: Date | null;
}

/** The LSN up to which this server has WAL: the end of its own on a primary, of what it received on a standby. */
export const currentLsn = `CASE WHEN pg_is_in_recovery()
                THEN coalesce(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
                ELSE pg_current_wal_lsn() END`;

/** Who streams from this server. Works on a standby too, whose own receivers cascade. */
export async function readReplication(
  connection: DatabaseConnection,
  profile: ServerProfile,
): Promise<Reading<ReplicationRow>> {
  const reading = await read<ReplicationRow>(
    connection,
    'replication',
    `
    SELECT r.pid                                              AS "pid",
           r.usename                                          AS "user",
           coalesce(r.application_name, '')                   AS "application",
           host(r.client_addr)                                AS "client",
           r.backend_start                                    AS "backendStart",
           r.state                                            AS "state",
           r.sync_state                                       AS "syncState",
           s.slot_name                                        AS "slot",
           r.sent_lsn::text                                   AS "sentLsn",
           r.replay_lsn::text                                 AS "replayLsn",
           pg_wal_lsn_diff(greatest(e.lsn, r.sent_lsn), r.sent_lsn)    AS "sentLagBytes",
           pg_wal_lsn_diff(greatest(e.lsn, r.flush_lsn), r.flush_lsn)   AS "flushLagBytes",
           pg_wal_lsn_diff(greatest(e.lsn, r.replay_lsn), r.replay_lsn)  AS "replayLagBytes",
           extract(epoch FROM r.write_lag)                    AS "writeLagSeconds",
           extract(epoch FROM r.flush_lag)                    AS "flushLagSeconds",
           extract(epoch FROM r.replay_lag)                   AS "replayLagSeconds",
           r.reply_time                                       AS "replyTime"
      FROM pg_stat_replication r
      LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid
     CROSS JOIN (SELECT ${currentLsn} AS lsn) e
    `,
  );
  if (!profile.rights.readAllStats && reading.rows.some((row) => row.state === null)) {
    reading.skipped.push({
      subject: 'replication',
      reason: 'state and lag of replicas are hidden from this role',
      fix: grantRole('pg_read_all_stats', profile.user),
    });
  }
  // PostgreSQL gives no lag time when a replica has nothing left to replay.
  return reading;
}
