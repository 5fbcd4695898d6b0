import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { grantRole } from '../remedies.ts';
import { type Reading, read } from './reading.ts';

/** What brings WAL from upstream to this standby. No row while nothing streams. */
export interface WalReceiverRow {
  pid: number;
  /** `null`, like everything below, when hidden from us. */
  status: string | null;
  timeline: number | null;
  writtenLsn: string | null;
  flushedLsn: string | null;
  latestEndLsn: string | null;
  lastMessageSentAt: Date | null;
  lastMessageReceivedAt: Date | null;
  latestEndAt: Date | null;
  slot: string | null;
  senderHost: string | null;
  senderPort: number | null;
}

export async function readWalReceiver(
  connection: DatabaseConnection,
  profile: ServerProfile,
): Promise<Reading<WalReceiverRow>> {
  const reading = await read<WalReceiverRow>(
    connection,
    'wal receiver',
    `
    SELECT pid                   AS "pid",
           status                AS "status",
           received_tli          AS "timeline",
           written_lsn::text     AS "writtenLsn",
           flushed_lsn::text     AS "flushedLsn",
           latest_end_lsn::text  AS "latestEndLsn",
           last_msg_send_time    AS "lastMessageSentAt",
           last_msg_receipt_time AS "lastMessageReceivedAt",
           latest_end_time       AS "latestEndAt",
           slot_name             AS "slot",
           sender_host           AS "senderHost",
           sender_port           AS "senderPort"
      FROM pg_stat_wal_receiver
    `,
  );
  if (reading.rows.some((row) => row.status === null)) {
    reading.skipped.push({
      subject: 'wal receiver',
      reason: 'its state is hidden from this role',
      fix: grantRole('pg_read_all_stats', profile.user),
    });
  }
  return reading;
}
