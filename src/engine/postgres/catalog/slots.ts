import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { type Reading, read, whereKnown } from './reading.ts';
import { currentLsn } from './replication.ts';

/** A replication slot, which holds WAL back until its reader has it. */
export interface SlotRow {
  slot: string;
  /** `physical` or `logical`. */
  type: string;
  plugin: string | null;
  database: string | null;
  temporary: boolean;
  active: boolean;
  activePid: number | null;
  /** WAL from the slot's oldest needed position to the end; `null` when it needs none. */
  retainedBytes: number | null;
  /** WAL that a logical reader has not confirmed. */
  unconfirmedBytes: number | null;
  /** `reserved`, `extended`, `unreserved` or `lost`. */
  walStatus: string | null;
  /** How much more WAL can be written before it may be lost; `null` without max_slot_wal_keep_size. */
  safeWalBytes: number | null;
  /** Transactions begun since the oldest row version that the slot keeps. */
  xminAge: number | null;
  catalogXminAge: number | null;
  /** 17+. */
  inactiveSince: Date | null;
  /** 17+; on 16 `conflict` when the slot is of no use any more for that reason. */
  invalidationReason: string | null;
}

export async function readSlots(connection: DatabaseConnection, profile: ServerProfile): Promise<Reading<SlotRow>> {
  const columns = profile.columns.get('pg_replication_slots');
  const known = whereKnown(profile, 'pg_replication_slots');
  const invalidation = columns?.has('invalidation_reason')
    ? 'invalidation_reason'
    : known('conflicting', `CASE WHEN conflicting THEN 'conflict' END`);
  return read<SlotRow>(
    connection,
    'slots',
    `
    SELECT slot_name                                  AS "slot",
           slot_type                                  AS "type",
           plugin                                     AS "plugin",
           database                                   AS "database",
           temporary                                  AS "temporary",
           active                                     AS "active",
           active_pid                                 AS "activePid",
           pg_wal_lsn_diff(e.lsn, restart_lsn)        AS "retainedBytes",
           pg_wal_lsn_diff(e.lsn, confirmed_flush_lsn) AS "unconfirmedBytes",
           wal_status                                 AS "walStatus",
           safe_wal_size                              AS "safeWalBytes",
           age(xmin)                                  AS "xminAge",
           age(catalog_xmin)                          AS "catalogXminAge",
           ${known('inactive_since')}                 AS "inactiveSince",
           ${invalidation}                            AS "invalidationReason"
      FROM pg_replication_slots
     CROSS JOIN (SELECT ${currentLsn} AS lsn) e
    `,
  );
}
