import { formatLsn, parseLsn } from './lsn.ts';

/** What a server says of itself. */
export interface Sighting {
  inRecovery: boolean;
  /** The process that answered. */
  pid: number;
  /** Of a primary: up to where its log is on disk, and so can be at a replica. Of a standby: replayed up to here. */
  position: bigint | undefined;
  /** Of a primary: all records of commits that were acknowledged before end at or below this. */
  written: bigint | undefined;
  /** Of a standby only when asked in full. */
  timeline: number | undefined;
  full: FullSighting | undefined;
}

export interface FullSighting {
  cluster: string;
  /** `server_version_num`: 180004 is 18.4. */
  version: number;
  /** Of a standby: it has replayed all that it has received. */
  allReplayed: boolean;
  /** Of a standby: since the last transaction it replayed was committed, by the clocks of the two servers. */
  sinceCommitMs: number | undefined;
}

/**
 * The positions of a server. Every login role may call these functions.
 *
 * A commit is acknowledged when its record is in the log's buffers at least (`synchronous_commit = off`), so the insert
 * position is the one that is surely behind it; the write and flush positions may not be.
 */
const positions = `
       server.in_recovery                                       AS "inRecovery",
       pg_backend_pid()                                         AS "pid",
       CASE WHEN server.in_recovery THEN pg_last_wal_replay_lsn()
            ELSE pg_current_wal_flush_lsn() END                 AS "position",
       log.inserted                                             AS "inserted",
       pg_walfile_name(log.inserted)                            AS "walFile",
       (pg_walfile_name_offset(log.inserted)).file_offset       AS "segmentOffset"`;

const source = `
  FROM (SELECT pg_is_in_recovery() AS in_recovery) AS server,
       LATERAL (SELECT CASE WHEN NOT server.in_recovery THEN pg_current_wal_insert_lsn() END AS inserted) AS log`;

/** Where the server stands: what reading one's own writes needs. */
export const positionSql = `
SELECT /* pitcrew */${positions}${source}
`;

/**
 * All that the topology wants to know. The timeline a standby replays is only told to roles with pg_read_all_stats
 * (`received_tli`). Other roles see what the control file says: the timeline of the last restart point, or of the last
 * time a changed page was written. It is never too high, and late after a failover by up to checkpoint_timeout.
 */
export const fullSql = `
SELECT /* pitcrew */${positions},
       (SELECT system_identifier FROM pg_control_system())      AS "cluster",
       current_setting('server_version_num')                    AS "version",
       CASE WHEN server.in_recovery THEN
         greatest((SELECT timeline_id FROM pg_control_checkpoint()),
                  (SELECT min_recovery_end_timeline FROM pg_control_recovery()),
                  (SELECT received_tli FROM pg_stat_wal_receiver))
       END                                                      AS "replayTimeline",
       pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn()    AS "allReplayed",
       extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) * 1000 AS "sinceCommitMs"${source}
`;

/** For servers that let nobody call the functions above: the role alone. */
export const roleSql = `
SELECT /* pitcrew */
       pg_is_in_recovery() AS "inRecovery",
       pg_backend_pid()    AS "pid"
`;

/** The first version that can be told to wait until it has replayed. */
export const firstThatWaits = 190_000;

/** What such a server answers when the time is over or the position is reached; else it is no standby, and has not waited. */
export const waitedFor = ['success', 'timeout'];

/**
 * Lets a standby of PostgreSQL 19 or newer wait until it has replayed up to a position. The command takes no parameters. It knows
 * nothing of timelines, so what it answers is only a reason to ask where the server is.
 */
export function waitSql(lsn: bigint, withinMs: number): string {
  return `
WAIT /* pitcrew */ FOR LSN '${formatLsn(lsn)}' WITH (TIMEOUT '${withinMs}ms', NO_THROW)
`;
}

/** Columns come as text, whatever type parsers the application has set. */
export type ProbeRow = Partial<Record<string, string | null>>;

export function readSighting(row: ProbeRow): Sighting {
  const inRecovery = row['inRecovery'] === 't';
  const walTimeline = row['walFile'] ? Number.parseInt(row['walFile'].slice(0, 8), 16) : undefined;
  return {
    inRecovery,
    pid: Number(row['pid']),
    position: row['position'] ? parseLsn(row['position']) : undefined,
    written: row['inserted'] ? endOfRecords(parseLsn(row['inserted']), Number(row['segmentOffset'])) : undefined,
    timeline: walTimeline ?? (row['replayTimeline'] ? Number(row['replayTimeline']) : undefined),
    full: row['cluster']
      ? {
          cluster: row['cluster'],
          version: Number(row['version']),
          allReplayed: row['allReplayed'] === 't',
          sinceCommitMs: row['sinceCommitMs'] ? Number(row['sinceCommitMs']) : undefined,
        }
      : undefined,
  };
}

/** XLOG_BLCKSZ; a server built with another page size only loses what the rounding gains. */
const PAGE = 8192n;
/** SizeOfXLogShortPHD and SizeOfXLogLongPHD of xlog_internal.h: the header of a page, and of a segment's first. */
const PAGE_HEADER = 24n;
const SEGMENT_HEADER = 40;

/**
 * When the last record ends with its page (and after every switch of segments), the insert position is already behind the
 * next page's header, where nothing is; but a replica that has replayed all stops at the end of the record. Without this,
 * it would seem to be behind until something else is written.
 */
export function endOfRecords(inserted: bigint, segmentOffset: number): bigint {
  if (segmentOffset === SEGMENT_HEADER) return inserted - BigInt(SEGMENT_HEADER);
  return inserted % PAGE === PAGE_HEADER ? inserted - PAGE_HEADER : inserted;
}
