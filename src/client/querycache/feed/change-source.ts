import type { ChangeStreamStats, StreamEvent } from '../stream/index.ts';

/** How changes are learnt: from the database's log, or by triggers. */
export type LearntBy = 'stream' | 'triggers';

/** Tells of changes in the database: read from its log, told by triggers, or passed on by another process. */
export interface ChangeSource {
  /** Begins; resolves after the first attempt, whether it has succeeded or not. Never rejects. */
  start(): Promise<ChangeStreamStats>;
  /** How long ago the last moment is of which all is known, in ms; Infinity while nothing is known. */
  readonly lagMs: number;
  readonly by: LearntBy;
  stats(): ChangeStreamStats;
  close(): Promise<void>;
}

/** Makes a source that tells a listener. */
export type OpenSource = (listener: (event: StreamEvent) => void) => ChangeSource;
