/** To where recovery goes; without anything, to the end of the log that is there. */
export interface RecoveryTarget {
  /** To where: at most one of these. A time is in ISO 8601 with its zone; PostgreSQL knows microseconds. */
  time?: string | undefined;
  lsn?: bigint | undefined;
  xid?: string | undefined;
  /** As given to `pg_create_restore_point`. */
  name?: string | undefined;
  /** To the end of the backup: as early as possible. */
  immediate?: boolean | undefined;
  /** `latest` by default: follows the server when it was promoted. */
  timeline?: number | 'latest' | 'current' | undefined;
  /** Stops before the transaction or position that it names, and not after it. */
  exclusive?: boolean | undefined;
  /** What the server does at the target: `promote`, by default, opens it for writing. */
  action?: 'promote' | 'pause' | 'shutdown' | undefined;
}
