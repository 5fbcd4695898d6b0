import { Readable } from 'node:stream';
import { PitcrewError } from '../../../../errors.ts';
import { lsnOf } from '../lsn.ts';
import type { PhysicalConnection } from './physical-connection.ts';

export interface BaseBackupOptions {
  /** Shown in the `backup_label` file. */
  label: string;
  /** `fast`: at once, with a burst of writes; `spread`: as gently as the server's own, which takes minutes. */
  checkpoint: 'fast' | 'spread';
  /** At most so many kB a second, from 32 to 1,048,576; without a limit by default. */
  maxRateKb?: number | undefined;
  /** Sends only what has changed since the backup whose manifest was uploaded on this connection just before (PostgreSQL 17). */
  incremental?: boolean;
  /** The server compresses the archives with zstd, of this level, from 1 to 19. Not by default: the server has better things to do. */
  serverCompression?: { level: number } | undefined;
  /** A server that sends nothing for so long, once it has begun to, is given up; by default it is waited for as long as the connection stands. */
  silenceLimitMs?: number | undefined;
}

export interface Tablespace {
  /** `null`: the data directory itself. */
  oid: number | null;
  /** Where it is on the server; empty for the data directory. */
  location: string;
  /** An estimate, of before anything was sent. */
  sizeBytes: number;
}

/** What a base backup consists of, in the order in which it comes. */
export type BaseBackupEvent =
  | { type: 'begin'; startLsn: bigint; timeline: number; tablespaces: readonly Tablespace[] }
  /** A tar file begins, named as if nobody had compressed it; a tablespace's has the place where it is on the server. */
  | { type: 'archive'; name: string; location: string }
  /** The manifest begins. */
  | { type: 'manifest' }
  /** The bytes are the reader's only until the next event is asked for. */
  | { type: 'data'; bytes: Buffer }
  /** So much of the estimate is done. */
  | { type: 'progress'; doneBytes: number }
  /** Of a server that goes on, such as of a page whose checksum is wrong. */
  | { type: 'warning'; text: string }
  /** The backup is usable with write-ahead log up to here. */
  | { type: 'end'; endLsn: bigint; timeline: number };

/** Small pieces of the server's are handed on together. */
const blockBytes = 256 * 1024;
/** So many events wait for whoever takes them before the server is held back: 4 MiB. */
const waitingEvents = 16;

/**
 * Takes a base backup. What is not taken holds the server back, so memory stays bounded; leaving the iteration cuts the connection, and the
 * server gives the backup up. The log that the backup needs has to be streamed, or fetched later.
 * @throws {PitcrewError} while iterating: `E_QUERY` for what the server refuses or finds wrong (as checksums), `E_UNSUPPORTED` for an
 * incremental one before PostgreSQL 17 and for a server that cannot compress, `E_CONNECTION_LOST` when it has been silent for too long, of the connection
 */
export function baseBackup(
  connection: PhysicalConnection,
  options: BaseBackupOptions,
): AsyncIterableIterator<BaseBackupEvent> {
  if (options.incremental && connection.version < 170_000) throw noIncremental(connection.version);
  // Used again and again: as garbage they would be twice the memory.
  const free: Buffer[] = [];
  let block: Buffer = Buffer.allocUnsafeSlow(blockBytes);
  let filled = 0;
  let held = false;
  let heardAt = performance.now();
  let watch: NodeJS.Timeout | undefined;
  const { silenceLimitMs } = options;
  const listen = (limitMs: number): void => {
    const silentMs = held ? 0 : performance.now() - heardAt;
    if (silentMs > limitMs) events.destroy(silent(connection.address, silentMs));
  };
  const events = new Readable({
    objectMode: true,
    highWaterMark: waitingEvents,
    read() {
      if (held) statement.resume();
      held = false;
      heardAt = performance.now();
    },
    destroy(error, callback) {
      clearInterval(watch);
      forget();
      if (!over) connection.destroy();
      callback(error);
    },
  });
  let over = false;
  const push = (event: BaseBackupEvent): void => {
    if (events.destroyed || events.push(event)) return;
    held = true;
    statement.pause();
  };
  const flush = (): void => {
    if (filled === 0) return;
    push({ type: 'data', bytes: block.subarray(0, filled) });
    block = free.pop() ?? Buffer.allocUnsafeSlow(blockBytes);
    filled = 0;
  };
  const forget = connection.onWarning((text) => push({ type: 'warning', text }));
  const positions: { lsn: bigint; timeline: number }[] = [];
  const tablespaces: Tablespace[] = [];

  function receive(bytes: Buffer): void {
    const kind = bytes[0];
    if (kind === DATA) {
      for (let at = 1; at < bytes.length;) {
        const copied = bytes.copy(block, filled, at);
        at += copied;
        filled += copied;
        if (filled === blockBytes) flush();
      }
    } else if (kind === PROGRESS) {
      push({ type: 'progress', doneBytes: Number(bytes.readBigUInt64BE(1)) });
    } else if (kind === ARCHIVE) {
      flush();
      const [name = '', location = ''] = bytes.toString('utf8', 1).split('\0');
      push({ type: 'archive', name: options.serverCompression ? name.replace(/\.zst$/, '') : name, location });
    } else if (kind === MANIFEST) {
      flush();
      push({ type: 'manifest' });
    }
  }

  const statement = connection.copy(textOf(options), {
    // Of three results the first and last are positions, the second has a row for each tablespace.
    row(fields, set) {
      if (set === 1) tablespaces.push(tablespaceOf(fields));
      else positions.push({ lsn: lsnOf(String(fields[0])) ?? 0n, timeline: Number(fields[1]) });
    },
    received(bytes) {
      heardAt = performance.now();
      // With the first piece: by then all tablespaces are known.
      begin();
      receive(bytes);
    },
    ended(error) {
      over = true;
      clearInterval(watch);
      if (error) {
        events.destroy(options.serverCompression && isUnsupported(error) ? noZstd(error) : error);
        return;
      }
      flush();
      const [, end] = positions;
      if (begun && end) push({ type: 'end', endLsn: end.lsn, timeline: end.timeline });
      events.push(null);
    },
  });
  let begun = false;
  function begin(): void {
    const [start] = positions;
    if (begun || !start) return;
    begun = true;
    if (silenceLimitMs !== undefined) watch = setInterval(listen, silenceLimitMs / 3, silenceLimitMs);
    push({ type: 'begin', startLsn: start.lsn, timeline: start.timeline, tablespaces });
  }
  return handOut(events as AsyncIterable<BaseBackupEvent>, (bytes) => {
    if (bytes.buffer.byteLength === blockBytes) free.push(Buffer.from(bytes.buffer));
  });
}

/** Hands events out, and takes their bytes back when the next one is asked for. */
async function* handOut(
  events: AsyncIterable<BaseBackupEvent>,
  takeBack: (bytes: Buffer) => void,
): AsyncGenerator<BaseBackupEvent> {
  for await (const event of events) {
    yield event;
    if (event.type === 'data') takeBack(event.bytes);
  }
}

const DATA = 0x64;
const PROGRESS = 0x70;
const ARCHIVE = 0x6e;
const MANIFEST = 0x6d;

function textOf({ label, checkpoint, maxRateKb, incremental, serverCompression }: BaseBackupOptions): string {
  const words = [
    `LABEL '${label.replaceAll("'", "''")}'`,
    'PROGRESS',
    `CHECKPOINT '${checkpoint}'`,
    // Whether the log was archived is our own concern.
    'WAIT false',
    'TABLESPACE_MAP',
    `MANIFEST 'yes'`,
    `MANIFEST_CHECKSUMS 'SHA256'`,
    ...(maxRateKb === undefined ? [] : [`MAX_RATE ${maxRateKb}`]),
    ...(serverCompression ? [`COMPRESSION 'zstd'`, `COMPRESSION_DETAIL 'level=${serverCompression.level}'`] : []),
    ...(incremental ? ['INCREMENTAL'] : []),
  ];
  return `BASE_BACKUP (${words.join(', ')})`;
}

function tablespaceOf([oid, location, kilobytes]: readonly (string | null)[]): Tablespace {
  return {
    oid: oid === null || oid === undefined ? null : Number(oid),
    location: location ?? '',
    sizeBytes: Number(kilobytes ?? 0) * 1024,
  };
}

function silent(address: string, ms: number): PitcrewError {
  return new PitcrewError('E_CONNECTION_LOST', `${address} went silent while it was backed up`, {
    detail: `It has sent nothing for ${Math.round(ms / 1000)} s.`,
    hint: 'Its host or the network between may be down.',
  });
}

function noIncremental(version: number): PitcrewError {
  return new PitcrewError('E_UNSUPPORTED', 'this server makes no incremental base backups', {
    detail: `It is PostgreSQL ${Math.floor(version / 10_000)}; 17 is the first that does.`,
  });
}

/** It calls that a syntax error, as it does nothing else that we say; feature_not_supported would be as good. */
const isUnsupported = (error: Error): boolean =>
  error instanceof PitcrewError && ['42601', '0A000'].includes(error.sqlState ?? '');

function noZstd(error: Error): PitcrewError {
  return new PitcrewError('E_UNSUPPORTED', 'this server cannot compress what it sends', {
    detail: `It says: ${error.message}.`,
    hint: 'Have the client compress; a server that was built with zstd can.',
    cause: error,
  });
}
