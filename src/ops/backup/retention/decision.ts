import type { BackupRecord } from '../repository/index.ts';
import type { RetentionClass } from './policy.ts';

/** What becomes of a backup, and why. */
export interface Decision {
  backup: BackupRecord;
  keep: boolean;
  /** One reason or several: "the latest", "of the week 2026-W49", "needed by …". */
  reasons: string[];
  /** Of what is kept: one for each reason. */
  classes: RetentionClass[];
  /** Of what is kept without the log that came after it, so that it can be restored to its end only: why. */
  toItsEnd?: string;
}

export interface Weighed extends Decision {
  /** No limit touches it. */
  isSafe: boolean;
}
