import { segmentStart } from '../wal/segments.ts';
import type { TimelinePath } from '../wal/timelines.ts';

/** A place in the log of one timeline. */
export interface Position {
  timeline: number;
  lsn: bigint;
}

/** Below 0: the first is earlier. A later timeline is later, wherever it begins. */
export function inOrder(a: Position, b: Position): number {
  if (a.timeline !== b.timeline) return a.timeline - b.timeline;
  if (a.lsn === b.lsn) return 0;
  return a.lsn < b.lsn ? -1 : 1;
}

/**
 * From where on to receive log behind a position, from a server that came to its timeline along a way. As long as the server's own past has the position, that is
 * where it is; what was received of a timeline beyond the point where the server left it has no part in what follows, which begins with the segment of
 * that point.
 * @returns `undefined` when nothing that the server was ever on has to do with it, or when it is on an older timeline
 */
export function goOnFrom(position: Position, path: TimelinePath, segmentBytes: number): Position | undefined {
  const at = path.findLastIndex(({ timeline }) => timeline <= position.timeline);
  const part = path[at];
  if (!part) return undefined;
  const isOnIt = part.timeline === position.timeline;
  if (part.to === undefined) return isOnIt ? position : undefined;
  if (isOnIt && position.lsn <= part.to) return position;
  const next = path[at + 1];
  return next && { timeline: next.timeline, lsn: segmentStart(part.to, segmentBytes) };
}
