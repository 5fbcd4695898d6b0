import { parseSize } from '../../../config/index.ts';
import { lsnText } from '../../../engine/postgres/replication/index.ts';
import { openPhysical } from '../../../engine/postgres/replication/physical/index.ts';
import { PitcrewError } from '../../../errors.ts';

const setting = 'max_slot_wal_keep_size';

/** SQLSTATE of a segment that the server has removed, and of a slot that keeps nothing any more. */
const gone = ['58P01', '55000'];

/**
 * Finds out whether receiving the log failed because the server has given it up: it then ends the session that holds the slot, and does not say why.
 * @param storedLsn up to where the log was stored
 * @returns what to tell: the error as it is for any other reason, and where the server cannot be asked
 */
export async function orLogGivenUp(error: unknown, url: string, storedLsn: bigint): Promise<unknown> {
  if (!(error instanceof PitcrewError)) return error;
  if (error.code !== 'E_DATABASE_UNREACHABLE' && !gone.includes(error.sqlState ?? '')) return error;
  const { limit, flushedLsn } = await ask(url);
  // None for -1, which is no limit.
  const most = limit === undefined ? undefined : parseSize(limit);
  const behind = flushedLsn === undefined ? 0n : flushedLsn - storedLsn;
  if (limit === undefined || most === undefined || behind <= BigInt(most)) return error;
  return new PitcrewError('E_QUERY', 'the server gave up log that the backup needs', {
    detail: `Its setting ${setting} is ${limit}; behind ${lsnText(storedLsn)}, up to where the log was stored, it has written ${behind / 1024n ** 2n} MB.`,
    hint: `Give ${setting} a higher value, or -1 for no limit, with ALTER SYSTEM and SELECT pg_reload_conf(); or make the backup when less is written. Then make it again.`,
    cause: error,
  });
}

async function ask(url: string): Promise<{ limit?: string; flushedLsn?: bigint }> {
  try {
    const connection = await openPhysical({ url });
    try {
      return { limit: await connection.show(setting), flushedLsn: (await connection.identify()).flushedLsn };
    } finally {
      await connection.close();
    }
  } catch {
    return {};
  }
}
