import { randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { WalPiece } from '../../../engine/postgres/replication/physical/index.ts';
import { errorCode, PitcrewError } from '../../../errors.ts';
import { segmentName, segmentStart } from '../wal/segments.ts';
import { type Bell, makeBell } from './bell.ts';
import type { Position } from './position.ts';

/** A segment of log between the server and the repositories. */
export interface SpoolSegment {
  /** Counts up, over timelines too; one is left out where log is missing. */
  readonly number: number;
  readonly name: string;
  readonly timeline: number;
  readonly startLsn: bigint;
  /** So much of it is there. */
  readonly bytes: number;
  /** `ended`: its timeline ended within it. `cut`: the server does not have the rest any more. No more comes of either. */
  readonly phase: 'growing' | 'complete' | 'ended' | 'cut';
  /** Its first bytes. @throws {PitcrewError} `E_ABORTED` when the signal is given */
  read(bytes: number, signal: AbortSignal): AsyncGenerator<Buffer>;
}

/** Where log waits for the slower of several repositories. */
export interface Spool extends AsyncDisposable {
  readonly folder: string;
  /** Rings with all that changes here. */
  readonly bell: Bell;
  /** Up to where log has come, or from where on it will. */
  readonly end: Position | undefined;
  /** The number that the next segment will have. */
  readonly next: number;
  /** The oldest that is still there. */
  readonly first: SpoolSegment | undefined;
  readonly count: number;
  /** By its number. */
  at(number: number): SpoolSegment | undefined;
  /** By where it begins: one from which it goes on. */
  find(position: Position): SpoolSegment | undefined;
  /** What comes next does not follow what is there. */
  startAt(position: Position): void;
  /** Takes what follows what is there, all of one segment, or the beginning of another timeline. @throws {PitcrewError} `E_STORAGE` */
  append(timeline: number, piece: WalPiece): Promise<void>;
  /** No more comes of the segment that is growing. */
  endTimeline(): void;
  /** The oldest one is not needed any more. */
  dropFirst(): void;
}

const blockBytes = 256 * 1024;

/** Keeps segments in files without a name: of a process that dies, nothing is left. */
export function makeSpool(folder: string, segmentBytes: number): Spool {
  const bell = makeBell();
  const segments: Kept[] = [];
  let next = 0;
  let end: Position | undefined;

  const growing = (): Kept | undefined => {
    const last = segments.at(-1);
    return last?.phase === 'growing' ? last : undefined;
  };
  const leave = (phase: 'ended' | 'cut'): void => {
    const last = growing();
    if (last) last.phase = phase;
    bell.ring();
  };

  return {
    folder,
    bell,
    get end() {
      return end;
    },
    get first() {
      return segments[0];
    },
    get count() {
      return segments.length;
    },
    get next() {
      return next;
    },
    at: (number) => segments.find((segment) => segment.number === number),
    find: ({ timeline, lsn }) =>
      segments.find((each) => each.timeline === timeline && each.startLsn === lsn && each.phase !== 'cut'),
    startAt(position) {
      leave('cut');
      if (end !== undefined) next += 1;
      end = position;
      bell.ring();
    },
    async append(timeline, { startLsn, bytes }) {
      if (growing()?.timeline !== timeline) leave('ended');
      try {
        let segment = growing();
        if (!segment) {
          if (startLsn !== segmentStart(startLsn, segmentBytes)) throw outOfPlace('the beginning of a segment');
          segment = keep(next, timeline, startLsn, segmentBytes, await nameless(folder));
          next += 1;
          segments.push(segment);
        }
        if (startLsn !== segment.startLsn + BigInt(segment.bytes)) throw outOfPlace(segment.name);
        for (let at = 0; at < bytes.length;) {
          const { bytesWritten } = await segment.file.write(bytes, at, bytes.length - at, segment.bytes + at);
          at += bytesWritten;
        }
        segment.bytes += bytes.length;
        if (segment.bytes === segmentBytes) segment.phase = 'complete';
        end = { timeline, lsn: startLsn + BigInt(bytes.length) };
      } catch (error) {
        throw spoolError(error, folder);
      }
      bell.ring();
    },
    endTimeline: () => leave('ended'),
    dropFirst() {
      segments.shift()?.drop();
      bell.ring();
    },
    async [Symbol.asyncDispose]() {
      for (const segment of segments.splice(0)) segment.drop();
      bell.ring();
    },
  };
}

interface Kept extends SpoolSegment {
  bytes: number;
  phase: SpoolSegment['phase'];
  readonly file: FileHandle;
  /** Whoever reads it may go on to its end. */
  drop(): void;
}

function keep(number: number, timeline: number, startLsn: bigint, segmentBytes: number, file: FileHandle): Kept {
  let readers = 0;
  let dropped = false;
  const closeUnused = (): void => {
    if (dropped && readers === 0) void file.close().catch(() => {});
  };
  const name = segmentName(timeline, startLsn, segmentBytes);
  return {
    number,
    name,
    timeline,
    startLsn,
    bytes: 0,
    phase: 'growing',
    file,
    async *read(bytes, signal) {
      readers += 1;
      try {
        for (let at = 0; at < bytes;) {
          if (signal.aborted) throw new PitcrewError('E_ABORTED', 'the storing was stopped');
          const block = Buffer.allocUnsafeSlow(Math.min(blockBytes, bytes - at));
          const { bytesRead } = await file.read(block, 0, block.length, at);
          if (bytesRead === 0) throw new PitcrewError('E_INTERNAL', `${name} is shorter than it was`);
          at += bytesRead;
          yield block.subarray(0, bytesRead);
        }
      } finally {
        readers -= 1;
        closeUnused();
      }
    },
    drop() {
      dropped = true;
      closeUnused();
    },
  };
}

async function nameless(folder: string): Promise<FileHandle> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${randomBytes(8).toString('hex')}.log`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}

function outOfPlace(name: string): PitcrewError {
  return new PitcrewError('E_INTERNAL', `log came that does not continue ${name}`);
}

function spoolError(error: unknown, folder: string): unknown {
  if (error instanceof PitcrewError || !(error instanceof Error)) return error;
  const isFull = ['ENOSPC', 'EDQUOT'].includes(errorCode(error) ?? '');
  return new PitcrewError('E_STORAGE', `${isFull ? 'there is no room left' : 'log cannot be kept'} in ${folder}`, {
    detail: error.message,
    hint: 'The log waits there on its way to the repositories; the server keeps what has not been stored.',
    cause: error,
  });
}
