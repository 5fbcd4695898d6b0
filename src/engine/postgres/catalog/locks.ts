import type { DatabaseConnection } from '../connection.ts';
import { type Reading, read } from './reading.ts';

/** Locks of one mode. */
export interface LockRow {
  /** `AccessShareLock`, … */
  mode: string;
  held: number;
  waiting: number;
  /** When the longest wait for this mode began. */
  oldestWait: Date | null;
}

/** Locks by mode, over all databases of the server. Everyone may read them. Our own are left out. */
export async function readLocks(connection: DatabaseConnection): Promise<Reading<LockRow>> {
  return read<LockRow>(
    connection,
    'locks',
    `
    SELECT mode                                 AS "mode",
           count(*) FILTER (WHERE granted)      AS "held",
           count(*) FILTER (WHERE NOT granted)  AS "waiting",
           min(waitstart)                       AS "oldestWait"
      FROM pg_lock_status()
     WHERE pid IS DISTINCT FROM pg_backend_pid()
       AND mode IS NOT NULL
     GROUP BY mode
    `,
  );
}
