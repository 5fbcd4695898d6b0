import type { DatabaseConnection } from '../connection.ts';
import { type Reading, read } from './reading.ts';

/** How far this server is as a standby. One row; all `null` or false on a primary. */
export interface StandbyRow {
  inRecovery: boolean;
  /** A WAL receiver runs. */
  receiving: boolean;
  receiveLsn: string | null;
  replayLsn: string | null;
  /** WAL received but not replayed. */
  lagBytes: number | null;
  lastReplayedAt: Date | null;
  /**
   * Age of the last replayed transaction; 0 when all that was received is replayed and something receives. `null` when
   * no transaction was replayed since the start.
   */
  lagSeconds: number | null;
  replayPaused: boolean | null;
}

export async function readStandby(connection: DatabaseConnection): Promise<Reading<StandbyRow>> {
  return read<StandbyRow>(
    connection,
    'standby',
    `
    -- greatest() and least() pass over NULL: written so that what is not known stays NULL.
    SELECT s.recovery                                                AS "inRecovery",
           s.receiving                                               AS "receiving",
           s.received::text                                          AS "receiveLsn",
           s.replayed::text                                          AS "replayLsn",
           pg_wal_lsn_diff(s.received, least(s.received, s.replayed))      AS "lagBytes",
           s.at                                                      AS "lastReplayedAt",
           CASE WHEN s.receiving AND s.received <= s.replayed THEN 0
                ELSE extract(epoch FROM greatest(clock_timestamp(), s.at) - s.at) END AS "lagSeconds",
           CASE WHEN s.recovery THEN pg_is_wal_replay_paused() END   AS "replayPaused"
      FROM (SELECT pg_is_in_recovery()                                       AS recovery,
                   CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() END AS received,
                   CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() END  AS replayed,
                   CASE WHEN pg_is_in_recovery() THEN pg_last_xact_replay_timestamp() END AS at,
                   EXISTS (SELECT FROM pg_stat_get_wal_receiver() r WHERE r.pid IS NOT NULL) AS receiving) s
    `,
  );
}
