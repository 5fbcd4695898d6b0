/** Where the payload begins in a frame that carries one. */
export const PAYLOAD_AT = 25;

const XLOG_DATA = 0x77;
const KEEPALIVE = 0x6b;
const STATUS_UPDATE = 0x72;
/** Microseconds from 1970 to 2000, where PostgreSQL's clock begins. */
const EPOCH_2000 = 946_684_800_000_000n;

/** A frame of the server's: its payload at `PAYLOAD_AT` (a message of the output plugin, or log), or how far it has come. */
export type Frame =
  | 'data'
  /** `walEnd`: everything before it was read by the server, and what of it concerns us was sent. */
  | { readonly walEnd: bigint; readonly replyRequested: boolean }
  | undefined;

/** Tells what a frame is; `undefined` for kinds that are not known. */
export function readFrame(bytes: Buffer): Frame {
  if (bytes[0] === XLOG_DATA && bytes.length > PAYLOAD_AT) return 'data';
  if (bytes[0] === KEEPALIVE && bytes.length >= 18) {
    return { walEnd: bytes.readBigUInt64BE(1), replyRequested: bytes[17] === 1 };
  }
  return undefined;
}

/** How far a receiver has come. */
export interface Positions {
  written: bigint;
  /** What lies before it is never sent again, even by a permanent slot. */
  flushed: bigint;
  /** 0 for a receiver that is no database. */
  applied: bigint;
}

/** Tells the server up to where all is done. */
export function statusUpdate({ written, flushed, applied }: Positions, now: Date, replyRequested: boolean): Buffer {
  const bytes = Buffer.alloc(34);
  bytes[0] = STATUS_UPDATE;
  bytes.writeBigUInt64BE(written, 1);
  bytes.writeBigUInt64BE(flushed, 9);
  bytes.writeBigUInt64BE(applied, 17);
  bytes.writeBigInt64BE(BigInt(now.getTime()) * 1000n - EPOCH_2000, 25);
  bytes[33] = replyRequested ? 1 : 0;
  return bytes;
}
