import {
  type NextTimeline,
  type PhysicalConnection,
  streamWal,
  type WalStream,
} from '../../../engine/postgres/replication/physical/index.ts';
import { bySegments, segmentStart } from '../wal/segments.ts';
import type { Spool } from './spool.ts';
import type { Position } from './position.ts';

export interface ReceiveLogOptions {
  connection: PhysicalConnection;
  spool: Spool;
  /** The beginning of a segment, or where the spool ends. */
  from: Position;
  segmentBytes: number;
  /** The slot that keeps the log; without one the server may forget it at any time. */
  slot?: string | undefined;
  silenceLimitMs: number;
  /** A stream has begun on a timeline. */
  onStarted?(stream: WalStream): void;
  /** The server asks how far we are. */
  onAsked?(stream: WalStream): void;
  /** Resolves when there is room for more. */
  room(): Promise<void>;
  onReceived?(bytes: number): void;
  /** The server has gone on to another timeline; the connection is free in between. */
  onTimeline?(next: NextTimeline): Promise<void>;
}

/**
 * Receives log into a spool, over timelines, until the stream is stopped.
 * @throws {PitcrewError} of `streamWal` and of the spool
 */
export async function receiveLog(options: ReceiveLogOptions): Promise<void> {
  const { connection, spool, segmentBytes, slot, silenceLimitMs } = options;
  let { timeline, lsn } = options.from;
  for (;;) {
    const stream: WalStream = streamWal(connection, {
      from: lsn,
      timeline,
      slot,
      // The slot stays where it is until we say otherwise.
      confirmed: 0n,
      silenceLimitMs,
      onStarted: () => options.onStarted?.(stream),
      onAsked: () => options.onAsked?.(stream),
    });
    for await (const piece of stream) {
      for (const part of bySegments(piece, segmentBytes)) {
        await options.room();
        await spool.append(timeline, part);
        options.onReceived?.(part.bytes.length);
      }
    }
    if (!stream.next) return;
    spool.endTimeline();
    await options.onTimeline?.(stream.next);
    // The new timeline's segment begins with what the old one had of it.
    ({ timeline, lsn } = { timeline: stream.next.timeline, lsn: segmentStart(stream.next.switchLsn, segmentBytes) });
  }
}
