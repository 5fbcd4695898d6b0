import type { Config } from '../../../config/index.ts';
import type { PitcrewError } from '../../../errors.ts';
import type { ListedIndex } from '../../../engine/postgres/index.ts';
import type { AdviceRunKind, Store, StoredAdvice } from '../../store/index.ts';
import type { Machine } from '../types.ts';
import type { ChangePatience } from './apply/logged.ts';
import type { Preflight } from './apply/preflight.ts';
import type { AdvisorLogger } from './desk.ts';
import type { IndexAdviser } from './run/index-round.ts';

export interface AdvisorOptions {
  /** The database's name in the configuration. */
  name: string;
  url: string;
  store: Store;
  config: Config['advisor'];
  logger: AdvisorLogger;
  /** Whether this daemon looks after the database, so that of several one does; yes by default. */
  isOwner?: () => boolean;
  /** Replicas under the same database that are watched too. */
  replicas?: () => readonly { name: string; url: string }[];
  /** Whether it is a standby: indexes are chosen for its primary. */
  isStandby?: () => boolean;
  /** The machine of the server where it is known by itself; the settings come first. */
  machine?: () => Machine | null;
  /** Chooses indexes for the workload; without it there are checks alone. */
  indexAdviser?: IndexAdviser;
  patience?: Partial<ChangePatience>;
  /** How often it looks whether something is to be done; 10,000 by default. */
  tickMs?: number;
}

export interface RunState {
  kind: AdviceRunKind;
  since: Date;
  /** What it does now. */
  phase: string;
  /** 0–1; `null` where it is not known. */
  ratio: number | null;
}

export interface AdvisorStatus {
  enabled: boolean;
  /** Whether it applies advice without being asked. */
  auto: boolean;
  /** Another daemon looks after the database. */
  elsewhere: boolean;
  running: RunState | null;
  nextChecks: Date | null;
  nextIndexes: Date | null;
  /** Why the last run failed; `null` when it did not. */
  failure: { kind: AdviceRunKind; error: PitcrewError } | null;
}

export interface Asked {
  /** Who asks. */
  by: string;
  reason?: string | undefined;
  /** Go on although something could not be told beforehand. */
  force?: boolean;
}

export type AdvisorEvent =
  | { type: 'advice'; id: number; state: StoredAdvice['state'] }
  | { type: 'advice-run'; kind: AdviceRunKind; running: boolean };

/** Looks after the advice of one database. */
export interface Advisor {
  readonly name: string;
  targetId(): Promise<number>;
  status(): AdvisorStatus;
  /**
   * Begins a run, unless one of its kind is under way; it ends by itself. Its state is that of the stored run that began at `since`.
   * @throws {PitcrewError} `E_CONFLICT` while one of the other kind is under way; `E_UNSUPPORTED` where indexes cannot be chosen: on a
   * standby, or by a daemon that does not plan under other indexes
   */
  run(kind: AdviceRunKind, asked: { by: string; budgetBytes?: number | undefined }): Promise<RunState>;
  /** What stands against applying or undoing it now; changes nothing. Throws as `apply` does. */
  inspect(id: number, purpose: 'apply' | 'undo'): Promise<Preflight>;
  /**
   * Begins to apply it and comes back when it is under way; to the state that it is in then.
   * @throws {PitcrewError} `E_NOT_FOUND`, `E_CONFLICT`, `E_UNSAFE`, `E_UNSUPPORTED`, of connecting, `E_STORE_UNAVAILABLE`
   */
  apply(id: number, asked: Asked): Promise<StoredAdvice>;
  /** Likewise. */
  undo(id: number, asked: Asked): Promise<StoredAdvice>;
  /**
   * Applies several, one after the other, and comes back at once; ends with the first that fails. Not measured one by one: what follows changes
   * the same statements.
   */
  applyAll(ids: readonly number[], asked: Asked): void;
  /** Indexes of the tables whose indexes take the most room. Throws of connecting. */
  indexes(page: { search: string; limit: number; offset: number }): Promise<ListedIndex[]>;
  dismiss(id: number, asked: Asked): Promise<StoredAdvice>;
  reopen(id: number, asked: Asked): Promise<StoredAdvice>;
  onEvent(listener: (event: AdvisorEvent) => void): () => void;
  /** Resolves when no change and no run of ours is under way. */
  idle(): Promise<void>;
  /** Cancels what is under way, cleans up after it as far as that goes within 20 s, and ends. */
  stop(): Promise<void>;
}
