import { countRegrown, type LogRange } from '../../../engine/postgres/replication/physical/index.ts';
import { messageOf, PitcrewError } from '../../../errors.ts';

/**
 * Why an incremental backup over a range of the log may be without blocks that have changed, which nothing would tell before the data is read.
 * @returns in one sentence; `undefined` when it has all
 */
export async function mayLeaveOut(url: string, range: LogRange): Promise<string | undefined> {
  try {
    const count = await countRegrown(url, range);
    if (count === 0) return undefined;
    const files = count === 1 ? 'a file was' : `${count} files were`;
    return `Since the backup before, ${files} made shorter by VACUUM and grew again: PostgreSQL may leave blocks of that out of an incremental backup.`;
  } catch (error) {
    if (!(error instanceof PitcrewError)) throw error;
    return `Whether PostgreSQL leaves changed blocks out of an incremental backup could not be looked up: ${messageOf(error)}.`;
  }
}
