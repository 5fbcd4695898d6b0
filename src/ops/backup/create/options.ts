import type { BackupRecord, Repository } from '../repository/index.ts';
import type { Choice } from './choose-type.ts';

export interface CreateOptions {
  url: string;
  repository: Repository;
  /**
   * `full` by default. An incremental one has what has changed since the latest backup, and needs that for a restore; `auto` takes whichever serves
   * better.
   */
  type?: BackupRecord['type'] | 'auto';
  /** `fast` by default: it begins at once. */
  checkpoint?: 'fast' | 'spread';
  /**
   * Who compresses: `client`, by default, or `server`, which then sends less and works more. By the level of the repository. The log is compressed here in any
   * case.
   */
  compressAt?: 'client' | 'server';
  /** At most so many kB a second are read; where the server compresses: sent. */
  maxRateKb?: number | undefined;
  /** Name and version of the program, for the record. */
  madeBy: string;
  /** A server that has begun to send, and then says nothing for so long, is given up; in ms, 120,000 by default. */
  silenceLimitMs?: number;
  signal?: AbortSignal | undefined;
  onProgress?(progress: CreateProgress): void;
  /** With `auto`: which type was taken, and why. */
  onChoice?(choice: Choice): void;
}

export interface CreateProgress {
  /** `waiting`: for a checkpoint; `copying`; `log`: the last segments of log. */
  phase: 'waiting' | 'copying' | 'log';
  doneBytes: number;
  /** The server's estimate. */
  totalBytes: number;
}

/** What is known of a backup when it begins. */
export type Begun = Pick<
  BackupRecord,
  'id' | 'startedAt' | 'type' | 'parent' | 'reason' | 'warnings' | 'systemId' | 'segmentBytes' | 'blockBytes'
>;

/** So long a server may say nothing while it is read. */
export const silenceMs = 120_000;
