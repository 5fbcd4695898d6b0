import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { type Reading, read, whereKnown } from './reading.ts';

/** A logical subscription of the current database. */
export interface SubscriptionRow {
  name: string;
  enabled: boolean;
  /** The apply worker; `null` when none runs. */
  pid: number | null;
  /** Workers that copy tables or apply in parallel. */
  otherWorkers: number;
  receivedLsn: string | null;
  lastMessageSentAt: Date | null;
  lastMessageReceivedAt: Date | null;
  latestEndAt: Date | null;
  applyErrors: number;
  syncErrors: number;
  /** Rows whose changes met others (18+). */
  conflicts: number | null;
  statsReset: Date | null;
}

export async function readSubscriptions(
  connection: DatabaseConnection,
  profile: ServerProfile,
): Promise<Reading<SubscriptionRow>> {
  const conflicts = [...(profile.columns.get('pg_stat_subscription_stats') ?? [])].filter((column) =>
    column.startsWith('confl_'),
  );
  const parallel = whereKnown(profile, 'pg_stat_subscription')('leader_pid', 'w.leader_pid');
  return read<SubscriptionRow>(
    connection,
    'subscriptions',
    `
    SELECT s.subname                                    AS "name",
           s.subenabled                                 AS "enabled",
           a.pid                                        AS "pid",
           (SELECT count(w.pid) FROM pg_stat_subscription w
             WHERE w.subid = s.oid AND w.pid IS DISTINCT FROM a.pid) AS "otherWorkers",
           a.received_lsn::text                         AS "receivedLsn",
           a.last_msg_send_time                         AS "lastMessageSentAt",
           a.last_msg_receipt_time                      AS "lastMessageReceivedAt",
           a.latest_end_time                            AS "latestEndAt",
           t.apply_error_count                          AS "applyErrors",
           t.sync_error_count                           AS "syncErrors",
           ${conflicts.length > 0 ? conflicts.map((column) => `t.${column}`).join(' + ') : 'NULL'} AS "conflicts",
           t.stats_reset                                AS "statsReset"
      FROM pg_subscription s
      JOIN pg_stat_subscription_stats t ON t.subid = s.oid
      LEFT JOIN pg_stat_subscription a
        ON a.subid = s.oid AND a.pid IS NOT NULL AND a.relid IS NULL
       AND NOT EXISTS (SELECT FROM pg_stat_subscription w WHERE w.pid = a.pid AND ${parallel} IS NOT NULL)
     WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    `,
  );
}
