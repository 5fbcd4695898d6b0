import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { type Reading, read, whereKnown } from './reading.ts';

/** Queries of one database that recovery cancelled, by reason. Always 0 on a primary, but for logical slots. */
export interface ConflictRow {
  database: string;
  current: boolean;
  tablespace: number;
  lock: number;
  snapshot: number;
  bufferPin: number;
  deadlock: number;
  /** 16+. */
  logicalSlot: number | null;
}

export async function readConflicts(
  connection: DatabaseConnection,
  profile: ServerProfile,
): Promise<Reading<ConflictRow>> {
  const known = whereKnown(profile, 'pg_stat_database_conflicts');
  return read<ConflictRow>(
    connection,
    'conflicts',
    `
    SELECT datname                              AS "database",
           datname = current_database()         AS "current",
           confl_tablespace                     AS "tablespace",
           confl_lock                           AS "lock",
           confl_snapshot                       AS "snapshot",
           confl_bufferpin                      AS "bufferPin",
           confl_deadlock                       AS "deadlock",
           ${known('confl_active_logicalslot')} AS "logicalSlot"
      FROM pg_stat_database_conflicts
    `,
  );
}
