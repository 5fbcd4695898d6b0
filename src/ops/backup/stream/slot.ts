import { openPhysical, type PhysicalConnection } from '../../../engine/postgres/replication/physical/index.ts';
import { PitcrewError } from '../../../errors.ts';
import { segmentBytesOf } from '../wal/segment-size.ts';
import { segmentStart } from '../wal/segments.ts';
import type { Position } from './position.ts';

/** The slot as it is found, or made. */
export interface FoundSlot {
  /** Where the first segment begins that it keeps. */
  keptFrom: Position;
  restartLsn: bigint;
  /** `recreated`: it was there, and kept nothing any more. */
  action: 'found' | 'created' | 'recreated';
}

/**
 * Makes sure that the server keeps its log for us.
 * @throws {PitcrewError} `E_QUERY` for a slot of that name that is logical, when the server has no slot left, and of the connection
 */
export async function ensureSlot(
  connection: PhysicalConnection,
  { slot, timeline, segmentBytes }: { slot: string; timeline: number; segmentBytes: number },
): Promise<FoundSlot> {
  const found = await connection.readSlot(slot);
  let action: FoundSlot['action'] = 'found';
  if (found?.restartLsn === undefined) {
    // The server has given its log up, or it was made by hand and has never kept any.
    if (found) await connection.dropSlot(slot);
    await connection.createSlot(slot, { temporary: false });
    action = found ? 'recreated' : 'created';
  }
  const slotNow = action === 'found' ? found : await connection.readSlot(slot);
  const restartLsn = slotNow?.restartLsn;
  if (restartLsn === undefined) {
    throw new PitcrewError('E_QUERY', `the slot ${slot} keeps no log`, {
      detail: 'The server does not say from where on.',
    });
  }
  const keptFrom = { timeline: slotNow?.timeline ?? timeline, lsn: segmentStart(restartLsn, segmentBytes) };
  return { keptFrom, restartLsn, action };
}

/** SQLSTATE of a slot that another session uses. */
const inUse = '55006';
/** SQLSTATE of a segment that the server has removed. */
const removed = '58P01';

/** The server's process that has the slot, when that is what an error says. */
export function holderOf(error: unknown): { pid: number | undefined } | undefined {
  if (!(error instanceof PitcrewError) || error.sqlState !== inUse) return undefined;
  const [, pid] = /PID (\d+)/.exec(error.message) ?? [];
  return { pid: pid === undefined ? undefined : Number(pid) };
}

/** Whether the server does not have that log any more. */
export const isRemoved = (error: unknown): boolean => error instanceof PitcrewError && error.sqlState === removed;

/**
 * Makes the slot of a stream that is to begin later: the server keeps its log from now on.
 * @returns from where on, and whether it was there already
 * @throws {PitcrewError} of the connection; `E_QUERY` when the server has no slot left
 */
export async function makeSlot(url: string, slot: string): Promise<FoundSlot> {
  const connection = await openPhysical({ url });
  try {
    const { timeline } = await connection.identify();
    return await ensureSlot(connection, { slot, timeline, segmentBytes: await segmentBytesOf(connection) });
  } finally {
    await connection.close();
  }
}

/**
 * Removes the slot of a stream that is not to go on: the server keeps no log for it any longer.
 * @returns false when there is none of that name
 * @throws {PitcrewError} `E_CONFLICT` while a stream uses it; of the connection
 */
export async function dropSlot(url: string, slot: string): Promise<boolean> {
  const connection = await openPhysical({ url });
  try {
    if (!(await connection.readSlot(slot))) return false;
    await connection.dropSlot(slot);
    return true;
  } catch (error) {
    const holder = holderOf(error);
    if (!holder) throw error;
    throw new PitcrewError('E_CONFLICT', `the slot ${slot} is in use`, {
      detail: holder.pid === undefined ? undefined : `By the process ${holder.pid} of the server.`,
      hint: 'Stop the stream that uses it first.',
      cause: error,
    });
  } finally {
    await connection.close();
  }
}
