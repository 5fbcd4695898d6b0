import { Buffer } from 'node:buffer';
import { availableParallelism } from 'node:os';
import type { Readable, TransformOptions } from 'node:stream';
import { constants, createZstdCompress, zstdCompressSync, type ZstdOptions } from 'node:zlib';
import { release } from '../release.ts';

export interface CompressOptions {
  /** Of zstd, from 1 to 19. */
  level: number;
  /** So many frames are compressed at once, each by a thread of its own. */
  jobs: number;
}

/** One CPU is left for the server, where it is on this machine, and for reading and writing; more than two threads would wait for those. */
export const defaultJobs = (): number => Math.max(1, Math.min(2, availableParallelism() - 1));

/**
 * A frame is compressed by itself and in one call, so that several can be under way. What is stored is 1.4 % larger than as one frame; with frames of 1 MiB it
 * would be 3 %, and with larger ones memory would grow by four times as much.
 */
const frameBytes = 2 ** 21;
/** zstd looks back over the whole frame: with less it keeps a ring of what went before, and takes a quarter more CPU. */
const windowLog = 21;
const pieceBytes = 256 * 1024;
/** More than a frame that cannot be compressed becomes: the stream never waits for a reader. */
const mostPieces = 32;

/**
 * Compresses with zstd, in frames that follow each other; `zstd -d` reads them as one file. In memory are a frame for each job and one more, and what has
 * become of them. A piece is the reader's only until the next is asked for. (zstd's own threads are no use: Node's stream loses the end of what they make.)
 */
export async function* compress(
  source: AsyncIterable<Uint8Array>,
  { level, jobs }: CompressOptions,
): AsyncGenerator<Buffer> {
  // One is filled while the others are compressed.
  const lanes = Array.from({ length: jobs + 1 }, () => openLane(level));
  const laneOf = (number: number): Lane => lanes[number % lanes.length] ?? openLane(level);
  let number = 0;
  let filled = 0;
  /** Begins what was filled, once there is room for it, and hands out what has become of the oldest. */
  async function* turn(): AsyncGenerator<Buffer> {
    const made = await laneOf(number + 1).take();
    laneOf(number).begin(filled);
    number += 1;
    filled = 0;
    yield* released(made);
  }
  try {
    for await (const piece of source) {
      for (let at = 0; at < piece.length;) {
        const part = piece.subarray(at, at + frameBytes - filled);
        laneOf(number).input.set(part, filled);
        filled += part.length;
        at += part.length;
        if (filled === frameBytes) yield* turn();
      }
    }
    // Of nothing there is an empty frame.
    if (filled > 0 || number === 0) yield* turn();
    for (let left = 1; left < lanes.length; left += 1) {
      yield* released(await laneOf(number + left).take());
    }
  } finally {
    for (const lane of lanes) lane.close();
  }
}

interface Lane {
  /** To be filled with a frame. */
  readonly input: Buffer;
  /** Compresses the first bytes of the input, which is not to be touched until the result is taken. */
  begin(length: number): void;
  /** What has become of it, in pieces; nothing when nothing was begun. */
  take(): Promise<readonly Buffer[]>;
  close(): void;
}

function openLane(level: number): Lane {
  const params = {
    [constants.ZSTD_c_compressionLevel]: level,
    [constants.ZSTD_c_windowLog]: windowLog,
    [constants.ZSTD_c_checksumFlag]: 1,
  };
  // Whatever is written becomes a frame. All of it is kept, in pieces, until it is taken.
  const options: ZstdOptions & Pick<TransformOptions, 'readableObjectMode' | 'readableHighWaterMark'> = {
    params,
    flush: constants.ZSTD_e_end,
    chunkSize: pieceBytes,
    readableObjectMode: true,
    readableHighWaterMark: mostPieces,
  };
  const stream = createZstdCompress(options);
  const input = Buffer.allocUnsafeSlow(frameBytes);
  let made: Promise<Buffer[]> | undefined;
  let failed: (error: Error) => void = () => {};
  stream.on('error', (error) => failed(error));
  return {
    input,
    begin(length) {
      if (length === 0) {
        made = Promise.resolve([zstdCompressSync(Buffer.alloc(0), { params })]);
        return;
      }
      made = new Promise((resolve, reject) => {
        failed = reject;
        stream.write(input.subarray(0, length), () => resolve(piecesOf(stream)));
      });
      // Told to whoever takes it.
      made.catch(() => {});
    },
    async take() {
      const taken = await made;
      made = undefined;
      return taken ?? [];
    },
    close: () => stream.destroy(),
  };
}

/** Hands pieces out. Each has memory of its own, but for the first of a frame, which follows the last of the one before. */
function* released(pieces: readonly Buffer[]): Generator<Buffer> {
  for (const piece of pieces) {
    yield piece;
    // zstd goes on in other memory, and what was before it in this one is taken.
    if (piece.byteOffset + piece.length === piece.buffer.byteLength) release(piece);
  }
}

function piecesOf(stream: Readable): Buffer[] {
  const pieces: Buffer[] = [];
  for (;;) {
    const piece = stream.read() as Buffer | null;
    if (piece === null) return pieces;
    pieces.push(piece);
  }
}
