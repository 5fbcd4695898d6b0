import type { BackupSettings } from '../../../config/index.ts';
import type { PitcrewError } from '../../../errors.ts';
import type { BackupFacts } from '../../monitor/index.ts';
import type { BackupRunKind, BackupRunState, BackupStore, LatestRuns } from '../../store/index.ts';
import type { Catalogue } from './catalogue.ts';
import type { StreamState } from '../stream/types.ts';

export type { BackupSettings };

/** What the service tells of: any logger of pino's shape. */
export interface BackupLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface BackupServiceOptions {
  /** The database's name in the configuration. */
  name: string;
  /** Of a role with REPLICATION. */
  url: string;
  settings: BackupSettings;
  store: { target(name: string): Promise<number>; backups: BackupStore; status(): { state: string } };
  logger: BackupLogger;
  /** Name and version of the program, for records. */
  madeBy: string;
  /** Where backups are restored to prove them, unless the settings say where. */
  drillDir: string;
  /** Whether this daemon looks after the server, so that of several one does; yes by default. */
  isOwner?: () => boolean;
  /** A folder for log between the server and the repositories. */
  spoolDir: string;
  /** How often it looks whether something is due; 5,000 by default. */
  tickMs?: number;
  /** Until the first, second, … attempt after one that failed for a reason that may pass, in ms. */
  retryAfterMs?: readonly number[];
}

/** A run that is under way. */
export interface RunningBackup {
  /** The store's number; `null` while it could not be written down. */
  id: number | null;
  kind: BackupRunKind;
  trigger: 'schedule' | 'hand';
  since: Date;
  attempt: number;
  /** What it does now. */
  phase: string;
  doneBytes: number;
  /** As far as it is known. */
  totalBytes: number | null;
}

/** The log as it is received now. */
export interface KeptLog {
  state: StreamState;
  /** Since when it is received, or is not. */
  since: Date;
}

/** When what is scheduled is done next; `null`: not by itself. */
export type NextRuns = Readonly<Record<'full' | 'incremental' | 'verify', Date | null>>;

/** How the service is. */
export interface BackupServiceStatus {
  /** Another daemon looks after the server. */
  elsewhere: boolean;
  running: RunningBackup | null;
  next: NextRuns;
  /** `null` where the log is not streamed. */
  log: KeptLog | null;
  /** Why backups cannot be proven by restoring them here; `null` when they can, or are not to be. */
  unprovable: string | null;
}

export interface BackupEvent {
  type: 'backup-run';
  /** The store's number; `null` when it could not be written down. */
  id: number | null;
  kind: BackupRunKind;
  state: BackupRunState;
}

export interface AskedBackup {
  kind: BackupRunKind;
  /** Who asks. */
  by: string;
  /** The backup to verify or to drill: all, and the latest full one, by default. */
  backup?: string | undefined;
}

/** What is known without asking anybody. */
export interface KnownBackups {
  catalogue: Catalogue;
  runs: readonly LatestRuns[];
  counts: readonly { kind: BackupRunKind; state: BackupRunState; count: number }[];
  facts: BackupFacts;
}

/** Looks after the backups of one server. */
export interface BackupService {
  readonly name: string;
  readonly settings: BackupSettings;
  targetId(): Promise<number>;
  status(): BackupServiceStatus;
  /** What is in the repositories: as last looked at, when that is not long ago. */
  catalogue(): Promise<Catalogue>;
  /** What was last looked at, without looking; `undefined` before the first look, and while another daemon looks after it. */
  known(): KnownBackups | undefined;
  /**
   * Begins a run and comes back when it is under way.
   * @throws {PitcrewError} `E_CONFLICT` while another run is under way, or another daemon looks after the server
   */
  run(asked: AskedBackup): Promise<RunningBackup>;
  onEvent(listener: (event: BackupEvent) => void): () => void;
  /** Resolves when no run of ours is under way. */
  idle(): Promise<void>;
  /** Stops what is under way, and ends. */
  stop(): Promise<void>;
}

/** What a run came to. */
export interface JobResult {
  backup?: string | null;
  bytes?: number;
  storedBytes?: number;
  report?: object;
  /** It was done, and what it looked at is not as it should be. */
  failure?: PitcrewError;
}
