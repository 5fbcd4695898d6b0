import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { type Reading, read, whereKnown } from './reading.ts';

/** Checkpoints. One row. Times in ms. */
export interface CheckpointerRow {
  timed: number;
  requested: number;
  /** Really made: those that found nothing to do are not counted (18+). */
  done: number | null;
  /** On a standby (17+). */
  restartpointsTimed: number | null;
  restartpointsRequested: number | null;
  restartpointsDone: number | null;
  writeMs: number;
  syncMs: number;
  buffersWritten: number;
  /** 18+. */
  slruWritten: number | null;
  statsReset: Date | null;
}

/** From pg_stat_checkpointer (17+), before that from pg_stat_bgwriter. */
export async function readCheckpointer(
  connection: DatabaseConnection,
  profile: ServerProfile,
): Promise<Reading<CheckpointerRow>> {
  if (!profile.columns.has('pg_stat_checkpointer')) {
    return read<CheckpointerRow>(
      connection,
      'checkpointer',
      `
      SELECT checkpoints_timed     AS "timed",
             checkpoints_req       AS "requested",
             NULL                  AS "done",
             NULL                  AS "restartpointsTimed",
             NULL                  AS "restartpointsRequested",
             NULL                  AS "restartpointsDone",
             checkpoint_write_time AS "writeMs",
             checkpoint_sync_time  AS "syncMs",
             buffers_checkpoint    AS "buffersWritten",
             NULL                  AS "slruWritten",
             stats_reset           AS "statsReset"
        FROM pg_stat_bgwriter
      `,
    );
  }
  const known = whereKnown(profile, 'pg_stat_checkpointer');
  return read<CheckpointerRow>(
    connection,
    'checkpointer',
    `
    SELECT num_timed                AS "timed",
           num_requested            AS "requested",
           ${known('num_done')}     AS "done",
           restartpoints_timed      AS "restartpointsTimed",
           restartpoints_req        AS "restartpointsRequested",
           restartpoints_done       AS "restartpointsDone",
           write_time               AS "writeMs",
           sync_time                AS "syncMs",
           buffers_written          AS "buffersWritten",
           ${known('slru_written')} AS "slruWritten",
           stats_reset              AS "statsReset"
      FROM pg_stat_checkpointer
    `,
  );
}
