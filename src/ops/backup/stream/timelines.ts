import { segmentStart } from '../wal/segments.ts';
import { parseHistory } from '../wal/timelines.ts';

/** A place in the log of one timeline. */
export interface Position {
  timeline: number;
  lsn: bigint;
}

/** Where a timeline was left for the next one. */
export interface Fork {
  timeline: number;
  switchLsn: bigint;
}

/** Below 0: the first is earlier. A later timeline is later, wherever it begins. */
export function inOrder(a: Position, b: Position): number {
  if (a.timeline !== b.timeline) return a.timeline - b.timeline;
  if (a.lsn === b.lsn) return 0;
  return a.lsn < b.lsn ? -1 : 1;
}

/** Where the timelines before one were left, oldest first, by its history. @throws {PitcrewError} `E_BACKUP_DAMAGED` for what is no history */
export const forksOf = (history: string, timeline: number): Fork[] =>
  parseHistory(history, timeline).flatMap((part) =>
    part.to === undefined ? [] : [{ timeline: part.timeline, switchLsn: part.to }],
  );

/** The timeline that a server was on at a position. */
export const timelineAt = (lsn: bigint, server: { timeline: number; forks: readonly Fork[] }): number =>
  server.forks.find(({ switchLsn }) => lsn < switchLsn)?.timeline ?? server.timeline;

/**
 * From where on to receive log behind a position, from a server that is on a timeline with this history. As long as the server's own past has the position, that is where
 * it is; what was received of a timeline beyond the point where the server left it has no part in what follows, which begins with the segment of
 * that point.
 * @returns `undefined` when nothing that the server was ever on has to do with it, or when it is on an older timeline
 */
export function goOnFrom(
  position: Position,
  server: { timeline: number; forks: readonly Fork[] },
  segmentBytes: number,
): Position | undefined {
  if (position.timeline > server.timeline) return undefined;
  if (position.timeline === server.timeline) return position;
  const at = server.forks.findLastIndex(({ timeline }) => timeline <= position.timeline);
  const fork = server.forks[at];
  if (!fork) return undefined;
  if (fork.timeline === position.timeline && position.lsn <= fork.switchLsn) return position;
  const timeline = server.forks[at + 1]?.timeline ?? server.timeline;
  return { timeline, lsn: segmentStart(fork.switchLsn, segmentBytes) };
}
