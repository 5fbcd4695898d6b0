import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, PitcrewError } from '../../../errors.ts';

/** What is read of a cluster's control file (PostgreSQL's `ControlFileData`, the same in 15 to 18 as far as it is read here). */
export interface ControlFile {
  /** The cluster's number. */
  systemId: string;
  /** Of its last checkpoint. */
  timeline: number;
  /** Settings that recovery needs at least as high as they were; `undefined` where the layout is not known. */
  settings: Record<string, string> | undefined;
}

/** Where it is in a data directory. */
export const controlPath = 'global/pg_control';

const readBytes = 256;
/** By it PostgreSQL itself sees whether the layout is its own (`FLOATFORMAT_VALUE`). */
const floatFormat = { at: 208, value: 1_234_567 };
/** Places of four-byte numbers. */
const settingPlaces: Record<string, number> = {
  max_connections: 180,
  max_worker_processes: 184,
  max_wal_senders: 188,
  max_prepared_transactions: 192,
  max_locks_per_transaction: 196,
};

/**
 * @returns `undefined` when there is none
 * @throws {PitcrewError} `E_DATA_DIR` when it is no control file of a version that is known
 */
export async function readControlFile(dataDir: string, path = controlPath): Promise<ControlFile | undefined> {
  const bytes = await firstBytes(join(dataDir, path));
  if (!bytes) return undefined;
  const version = bytes.length < readBytes ? 0 : bytes.readUInt32LE(8);
  // 1300 since PostgreSQL 13; later ones are in the same hundreds.
  if (version < 1300 || version >= 2000) {
    throw new PitcrewError('E_DATA_DIR', `${join(dataDir, path)} is no control file of PostgreSQL 15 to 18`);
  }
  const isKnown = bytes.readDoubleLE(floatFormat.at) === floatFormat.value;
  return {
    systemId: String(bytes.readBigUInt64LE(0)),
    timeline: bytes.readUInt32LE(48),
    settings: isKnown
      ? Object.fromEntries(Object.entries(settingPlaces).map(([name, at]) => [name, String(bytes.readInt32LE(at))]))
      : undefined,
  };
}

async function firstBytes(path: string): Promise<Buffer | undefined> {
  try {
    await using file = await open(path, 'r');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(readBytes), 0, readBytes, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
