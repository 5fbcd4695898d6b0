import type { Repository } from '../repository/index.ts';

export interface StreamOptions {
  /** The server, with a role that has REPLICATION. After a failover the same address may lead to another server of the cluster. */
  url: string;
  /** Each gets all of the log. Of what one does not have yet, the server's slot keeps the log for it. */
  repositories: readonly Repository[];
  /** Permanent, and made when it is missing: `slotNameOf(…)`. What is not stored in all repositories, the server keeps for it. */
  slot: string;
  /** A folder for what is between the server and the repositories, in files without a name, gone with this process. */
  spoolDir: string;
  /** So much waits there at most, but two segments in any case; 256 MiB by default. A repository that falls further behind reads from the server again. */
  spoolBytes?: number;
  /** How often the segment that is not complete yet is stored, when it has grown; 10,000 ms by default. */
  partialEveryMs?: number;
  /** After so long of failures a repository counts as away; 15 minutes by default. */
  awayAfterMs?: number;
  /**
   * So much the server keeps for repositories that are away, 64 GiB by default. Beyond it the log is let go, and is missing in them when they are
   * back. The server's own `max_slot_wal_keep_size` protects it whether we run or not.
   */
  maxRetainedBytes?: number | undefined;
  /** A server that says nothing for so long, though it is asked, is given up; 30,000 ms by default. */
  silenceLimitMs?: number;
  /** Ends when all that the server had at the beginning is stored, and throws what stands in the way instead of trying again. */
  once?: boolean;
  /** Ends it in order: what was received is stored and confirmed first. */
  signal?: AbortSignal | undefined;
  /** Told in their order. Must not throw. */
  onEvent?(event: StreamEvent): void;
}

/** A stream that runs until its signal. */
export interface LogStream {
  /** As of now; plain data. */
  state(): StreamState;
  /**
   * Resolves when it has ended in order. Rejects with what no new attempt can mend: `E_CONFIG`, `E_UNSUPPORTED`, `E_CONFLICT` (a repository belongs to
   * another cluster, or another stream writes into it); with `once`, with whatever fails.
   */
  readonly ended: Promise<void>;
}

/** An error as data, without secrets. */
export interface StreamFault {
  code: string;
  message: string;
  detail?: string | undefined;
  hint?: string | undefined;
}

/** Positions are written as PostgreSQL does (`16/B374D848`), times as ISO 8601. */
export interface StreamState {
  /** `waiting`: another consumer has the slot. */
  phase: 'connecting' | 'waiting' | 'streaming' | 'ended';
  slot: string;
  /** Host and port, once connected. */
  address: string | null;
  connectedSince: string | null;
  timeline: number | null;
  receivedLsn: string | null;
  /** Up to where the server has log on its disk, as far as we know. */
  serverLsn: string | null;
  /** Bytes that the server's slot keeps for us; `null` before it is known. */
  retainedBytes: number | null;
  /** The server's `max_slot_wal_keep_size`; `null`: without a limit, or not known yet. */
  slotLimitBytes: number | null;
  receivedBytes: number;
  /** Over the last few seconds. */
  bytesPerSecond: number;
  repositories: RepositoryState[];
  /** Log that is lost to some repository, found since the beginning; older ones are in the repository's records. */
  gaps: StreamGap[];
  /** The last failure of the connection, until it works again. */
  error: (StreamFault & { at: string; nextAttemptAt: string | null }) | null;
}

export interface RepositoryState {
  name: string;
  /** `behind`: it gets what it missed, with a connection of its own; `away`: it has failed for long. */
  phase: 'starting' | 'current' | 'behind' | 'failing' | 'away';
  timeline: number | null;
  /** Everything before it is there, but for gaps; the part of a segment counts. */
  storedLsn: string | null;
  storedAt: string | null;
  /** Log that the server has, and this repository has not. `null`: not known. */
  lagBytes: number | null;
  /**
   * Since when there is such log, in ms; 0: all is stored. While the server is not reachable it may write or not, and the time counts as if it did.
   */
  lagMs: number | null;
  error: (StreamFault & { at: string; nextAttemptAt: string | null }) | null;
}

/** Log that a repository does not have and will not get. */
export interface StreamGap {
  repository: string;
  timeline: number;
  /** Names of the first and last segment that are missing, and how many are. */
  first: string;
  last: string;
  segments: number;
  fromLsn: string;
  toLsn: string;
  noticedAt: string;
  reason: string;
}

/** What happens, for logs and alerts. `at`: ISO 8601. */
export type StreamEvent = { at: string } & (
  | { type: 'connected'; address: string; slot: string; timeline: number; lsn: string }
  /** Another consumer has the slot; it is tried again until that one has gone. */
  | { type: 'waiting'; slot: string; holder: string; nextAttemptAt: string }
  | { type: 'disconnected'; error: StreamFault; nextAttemptAt: string | null }
  | { type: 'slot'; slot: string; action: 'created' | 'recreated'; lsn: string; reason?: string }
  /** The server can run out of disk when we do not come back: `max_slot_wal_keep_size` is not set. */
  | { type: 'unlimited'; slot: string }
  /** `synchronous_standby_names` of the server counts this stream as a standby: commits may wait until it has stored them. */
  | { type: 'synchronous' }
  | { type: 'stored'; repository: string; name: string; lsn: string; partial: boolean }
  | { type: 'timeline'; timeline: number; lsn: string }
  | ({ type: 'gap' } & StreamGap)
  /** The latest backup of the repository is encrypted, and what is stored from now on is not. */
  | { type: 'unencrypted'; repository: string }
  | { type: 'repository-failing'; repository: string; error: StreamFault; nextAttemptAt: string }
  | { type: 'repository-away'; repository: string; since: string; error: StreamFault }
  | { type: 'repository-back'; repository: string }
  /** Log that a repository which is away would have needed is not kept any longer. */
  | { type: 'let-go'; repository: string; lsn: string }
  /** All that the server had when it was asked is stored. */
  | { type: 'caught-up'; lsn: string }
  | { type: 'ended' }
);
