import { type PhysicalConnection, streamWal } from '../../../engine/postgres/replication/physical/index.ts';
import { PitcrewError } from '../../../errors.ts';
import { type Repository, type StoredFile, storing, type Storing } from '../repository/index.ts';
import { bySegments, segmentName, segmentStart } from './segments.ts';

export interface ReceiveOptions {
  connection: PhysicalConnection;
  repository: Repository;
  /** Anything before the first position that is needed: the whole segment is received. */
  from: bigint;
  timeline: number;
  segmentBytes: number;
  slot?: string | undefined;
  /** A server that is silent for so long is given up; by default it is waited for. */
  silenceLimitMs?: number | undefined;
  /** What has been stored up to, after each segment. */
  onSegment?(name: string, end: bigint): void;
}

/** Log that is being received. */
export interface Receiving {
  /** Up to where everything is stored. */
  readonly storedLsn: bigint;
  /** Ends after the segment that has the position before `lsn`; resolves when all up to there is stored. */
  until(lsn: bigint): Promise<void>;
  /** Ends at once. Never throws. */
  stop(): Promise<void>;
  /** Rejects when receiving fails; resolves when it ends as asked for, or at the end of the timeline. */
  readonly ended: Promise<void>;
}

/**
 * Receives log into a repository, whole segments only: a segment is confirmed to the server's slot when it is stored, so that what is under way when we are
 * killed is sent again.
 */
export function receiveWal(options: ReceiveOptions): Receiving {
  const { connection, repository, timeline, segmentBytes } = options;
  const from = segmentStart(options.from, segmentBytes);
  const stream = streamWal(connection, {
    from,
    timeline,
    slot: options.slot,
    silenceLimitMs: options.silenceLimitMs,
  });
  let storedLsn = from;
  let wanted: bigint | undefined;
  let stopped = false;

  async function receive(): Promise<void> {
    let segment: Storing<StoredFile | 'there'> | undefined;
    let name = '';
    try {
      for await (const piece of stream) {
        for (const { startLsn, bytes } of bySegments(piece, segmentBytes)) {
          if (segment === undefined) {
            const started = (name = segmentName(timeline, startLsn, segmentBytes));
            segment = storing((source) => repository.putWal(started, source));
          }
          await segment.write(bytes);
          const end = startLsn + BigInt(bytes.length);
          if (end % BigInt(segmentBytes) !== 0n) continue;
          await segment.end();
          segment = undefined;
          storedLsn = end;
          stream.confirm(end);
          options.onSegment?.(name, end);
          if (wanted !== undefined && storedLsn >= wanted) return;
        }
      }
    } catch (error) {
      if (!stopped) throw error;
    } finally {
      await segment?.abandon(new PitcrewError('E_ABORTED', 'the segment did not come to its end'));
    }
  }

  const ended = receive();
  ended.catch(() => {});
  return {
    get storedLsn() {
      return storedLsn;
    },
    async until(lsn) {
      wanted = lsn;
      if (storedLsn >= lsn) stopNow();
      await ended;
      if (storedLsn >= lsn) return;
      throw new PitcrewError('E_BACKUP_DAMAGED', 'the log ended before the backup did', {
        detail: `Timeline ${timeline} ended on the server, which was promoted meanwhile.`,
      });
    },
    async stop() {
      stopNow();
      await ended.catch(() => {});
    },
    ended,
  };

  function stopNow(): void {
    stopped = true;
    connection.destroy();
  }
}
