import type { BackupRecord } from '../repository/index.ts';

/** What is wrong: what it is about cannot be relied upon. */
export interface Problem {
  /** What it is about: a key, the name of a segment, or names of the first and the last one of several. */
  what: string;
  /** In one sentence. */
  problem: string;
}

/** How much was looked at. */
export interface Amount {
  /** Read, as it is stored. */
  bytes: number;
  /** Not read again, because it was found whole not long ago and is unchanged since. */
  skippedBytes: number;
}

/** What was found of the files of one backup. */
export interface VerifiedFiles extends Amount {
  backup: BackupRecord;
  problems: Problem[];
}

/** What was found of one backup. */
export interface VerifiedBackup extends VerifiedFiles {
  /** Segments of log that it needs. */
  segments: number;
  /** Whether it was removed while it was looked at: nothing is known of it then. */
  removed: boolean;
}

/** Segments that are not there, with others after them. */
export interface Gap {
  timeline: number;
  /** Names of the first and the last one that are missing. */
  first: string;
  last: string;
  segments: number;
  /** Of log that was lost to a stream, why. */
  reason?: string;
}

/** What was found of the log. */
export interface VerifiedLog extends Amount {
  segments: number;
  /** Of segments that no backup needs for itself, but that lead from one to later moments. The first hundred. */
  problems: Problem[];
  /** Moments in them cannot be reached from the backups before; later ones neither. The first hundred. */
  gaps: Gap[];
  /** Stored without a checksum, and encrypted: cannot be checked without a key. */
  unchecked: number;
}

export interface Verified {
  backups: VerifiedBackup[];
  log: VerifiedLog;
  /** Keys of objects that belong to nothing. The first hundred. */
  strays: string[];
  /** Names of backups that are being made, or were when their maker died. */
  unfinished: string[];
  /** Why what was found could not be remembered for the next time. */
  notRemembered: string | undefined;
}

/** So many of what is told are kept at most. */
export const most = 100;

/** Adds to a list of bounded length. */
export function tell<Item>(list: Item[], item: Item): void {
  if (list.length < most) list.push(item);
}
