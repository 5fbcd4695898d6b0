import { lsnOf } from '../../../engine/postgres/replication/index.ts';
import { segmentPosition } from '../wal/segments.ts';

/** How far recovery is, by what the server's log says. */
export interface RecoveryProgress {
  /** Segments that have been fetched. */
  segments: number;
  /** Where the one that was fetched last begins: everything before it is replayed. */
  replayedLsn: bigint | undefined;
  /** From now on every moment is a consistent one. */
  consistent: boolean;
}

/** Where recovery ended; what the server did not say is `undefined`. */
export interface RecoveryEnd {
  /** The last record of the log that was replayed. */
  lastLsn: bigint | undefined;
  /** Of the last transaction that was committed or rolled back, as the server writes it. */
  lastTransactionAt: string | undefined;
  /** At a target: what the server says of it, such as "before commit of transaction 738, time …". */
  stopped: string | undefined;
  /** The new timeline, once it has opened. */
  timeline: number | undefined;
}

/** What a server's log tells of its recovery, line by line. */
export interface RecoveryLog {
  read(line: string): void;
  readonly progress: RecoveryProgress;
  readonly end: RecoveryEnd;
  /** It has opened for writing. */
  readonly isOpen: boolean;
  /** It waits at its target. */
  readonly isPaused: boolean;
  /** It waits because a setting is too low, and would go no further. */
  readonly isStuck: boolean;
  /** It ends because it reached its target. */
  readonly isShutDown: boolean;
}

/** Reads messages as PostgreSQL 15 to 18 write them in English, whatever stands before them in a line. */
export function recoveryLog(segmentBytes: number): RecoveryLog {
  const progress: RecoveryProgress = { segments: 0, replayedLsn: undefined, consistent: false };
  const end: RecoveryEnd = {
    lastLsn: undefined,
    lastTransactionAt: undefined,
    stopped: undefined,
    timeline: undefined,
  };
  const state = { isOpen: false, isPaused: false, isStuck: false, isShutDown: false };
  const messages: [RegExp, (found: string) => void][] = [
    [
      /restored log file "([0-9A-F]{24})" from archive/,
      (name) => {
        progress.segments += 1;
        progress.replayedLsn = segmentPosition(name, segmentBytes)?.startLsn;
      },
    ],
    [/consistent recovery state reached at (\S+)/, () => (progress.consistent = true)],
    [/redo done at ([0-9A-F]+\/[0-9A-F]+)/, (lsn) => (end.lastLsn = lsnOf(lsn))],
    [/last completed transaction was at log time (.+)$/, (at) => (end.lastTransactionAt = at)],
    [/recovery stopping ((?:before|after|at) .+)$/, (what) => (end.stopped = what)],
    [/selected new timeline ID: (\d+)/, (timeline) => (end.timeline = Number(timeline))],
    // One that can only be read says "read-only connections".
    [/(database system is ready to accept connections)/, () => (state.isOpen = true)],
    [/(pausing at the end of recovery)/, () => (state.isPaused = true)],
    [/(recovery has paused)$/, () => (state.isStuck = true)],
    [/(shutdown at recovery target)/, () => (state.isShutDown = true)],
  ];
  return {
    read(line) {
      for (const [pattern, take] of messages) {
        const found = pattern.exec(line)?.[1];
        if (found !== undefined) take(found);
      }
    },
    progress,
    end,
    get isOpen() {
      return state.isOpen;
    },
    get isPaused() {
      return state.isPaused;
    },
    get isStuck() {
      return state.isStuck;
    },
    get isShutDown() {
      return state.isShutDown;
    },
  };
}
