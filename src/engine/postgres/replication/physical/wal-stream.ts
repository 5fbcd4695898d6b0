import { Readable } from 'node:stream';
import { PitcrewError } from '../../../../errors.ts';
import { quoteIdentifier } from '../../identifiers.ts';
import { PAYLOAD_AT, readFrame, statusUpdate } from '../frames.ts';
import { lsnOf, lsnText } from '../lsn.ts';
import type { PhysicalConnection } from './physical-connection.ts';

export interface WalStreamOptions {
  /** From where on; usually the beginning of a segment. */
  from: bigint;
  timeline: number;
  /** Keeps what was not confirmed yet when the connection is lost. */
  slot?: string | undefined;
  /** What is safe already; `from` by default. Nothing is told of `0n`: the slot then stays where it is until more is confirmed. */
  confirmed?: bigint;
  /** A server that says nothing for so long, though it is asked, is given up; by default it is waited for as long as the connection stands. */
  silenceLimitMs?: number | undefined;
  /** The server has begun to send, and the slot is ours. */
  onStarted?: (() => void) | undefined;
  /** The server asks how far we are. One that is being stopped asks on and on, and waits until all that it has sent is confirmed. */
  onAsked?: (() => void) | undefined;
}

/** Log as it was sent. */
export interface WalPiece {
  startLsn: bigint;
  bytes: Buffer;
}

/** Where the log goes on when a timeline has ended. */
export interface NextTimeline {
  timeline: number;
  switchLsn: bigint;
}

export interface WalStream extends AsyncIterable<WalPiece> {
  /** Up to where the server has log on its disk, as it said last. */
  readonly serverLsn: bigint;
  /** When the server was heard last, by `performance.now()`. */
  readonly heardAt: number;
  /** Everything before it is safe, and may be forgotten by the server's slot. Told to the server at once. */
  confirm(flushed: bigint): void;
  /** Asks the server to end the stream; what is on its way is still handed on. */
  stop(): void;
  /** Where to go on, once the iteration has ended: when a promoted server's older timeline was read to its end. */
  readonly next: NextTimeline | undefined;
}

/**
 * How often the server is told how far we are, without being asked, in ms: what it asks is not heard while it is held back. `wal_sender_timeout` is a minute by
 * default, and some have made it a few seconds.
 */
const statusEveryMs = 1000;
/** So many pieces, of up to 128 kB, wait for whoever takes them before the server is held back. */
const waitingPieces = 32;

/**
 * Receives write-ahead log, in order and without gaps. The iteration ends after `stop`, at the end of a timeline that is not the server's latest, or with
 * an error.
 * @throws {PitcrewError} while iterating: `E_QUERY` when the server does not have that log any more, or not yet; `E_CONNECTION_LOST` when it has been
 * silent for too long; of the connection
 */
export function streamWal(connection: PhysicalConnection, options: WalStreamOptions): WalStream {
  const { from, timeline, slot, silenceLimitMs } = options;
  let written = from;
  let flushed = options.confirmed ?? from;
  let heardAt = performance.now();
  let serverLsn = from;
  let next: NextTimeline | undefined;
  let over = false;
  let held = false;
  const pieces = new Readable({
    objectMode: true,
    highWaterMark: waitingPieces,
    read() {
      if (!held) return;
      held = false;
      // As long as we did not listen, it had nothing to say.
      heardAt = performance.now();
      statement.resume();
    },
    destroy(error, callback) {
      clearInterval(timer);
      if (!over) connection.destroy();
      callback(error);
    },
  });
  const status = (replyRequested = false): void =>
    statement.send(statusUpdate({ written, flushed, applied: 0n }, new Date(), replyRequested));

  function receive(bytes: Buffer): void {
    heardAt = performance.now();
    const frame = readFrame(bytes);
    if (frame === 'data') {
      const startLsn = bytes.readBigUInt64BE(1);
      // A gap here would be one in every restore.
      if (startLsn !== written) throw outOfOrder(startLsn, written);
      const length = bytes.length - PAYLOAD_AT;
      written += BigInt(length);
      // Each piece comes with where the log ends on the server; a keepalive only says what was sent.
      const end = bytes.readBigUInt64BE(9);
      if (end > serverLsn) serverLsn = end;
      if (written > serverLsn) serverLsn = written;
      const copy = Buffer.allocUnsafeSlow(length);
      bytes.copy(copy, 0, PAYLOAD_AT);
      if (pieces.destroyed || pieces.push({ startLsn, bytes: copy } satisfies WalPiece)) return;
      held = true;
      statement.pause();
    } else if (frame !== undefined) {
      if (frame.walEnd > serverLsn) serverLsn = frame.walEnd;
      if (frame.replyRequested) {
        status();
        options.onAsked?.();
      }
    }
  }

  const where = slot === undefined ? '' : `SLOT ${quoteIdentifier(slot)} `;
  const statement = connection.copy(`START_REPLICATION ${where}PHYSICAL ${lsnText(from)} TIMELINE ${timeline}`, {
    started: options.onStarted,
    received(bytes) {
      try {
        receive(bytes);
      } catch (error) {
        pieces.destroy(error as PitcrewError);
      }
    },
    done: () => statement.finish(),
    row([nextTimeline, switchedAt]) {
      const switchLsn = lsnOf(String(switchedAt));
      if (switchLsn !== undefined) next = { timeline: Number(nextTimeline), switchLsn };
    },
    ended(error) {
      over = true;
      clearInterval(timer);
      if (error) pieces.destroy(error);
      else pieces.push(null);
    },
  });
  const timer = setInterval(
    () => {
      const silentMs = held ? 0 : performance.now() - heardAt;
      if (silenceLimitMs !== undefined && silentMs > silenceLimitMs)
        pieces.destroy(silent(connection.address, silentMs));
      else status(silenceLimitMs !== undefined && !held);
    },
    Math.min(statusEveryMs, (silenceLimitMs ?? Infinity) / 3),
  );
  return {
    get serverLsn() {
      return serverLsn;
    },
    get heardAt() {
      return heardAt;
    },
    get next() {
      return next;
    },
    confirm(position) {
      if (position <= flushed) return;
      flushed = position;
      status();
    },
    stop() {
      status();
      statement.finish();
    },
    [Symbol.asyncIterator]: () => pieces[Symbol.asyncIterator]() as AsyncIterableIterator<WalPiece>,
  };
}

function silent(address: string, ms: number): PitcrewError {
  return new PitcrewError('E_CONNECTION_LOST', `${address} does not answer`, {
    detail: `It has said nothing for ${Math.round(ms / 1000)} s, though it was asked.`,
    hint: 'The network between may be cut, or the server may hang.',
  });
}

function outOfOrder(came: bigint, expected: bigint): PitcrewError {
  return new PitcrewError('E_INTERNAL', 'the server sent log out of order', {
    detail: `${lsnText(came)} came where ${lsnText(expected)} was expected.`,
  });
}
