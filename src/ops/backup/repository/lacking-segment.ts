import { segmentNames } from '../wal/segments.ts';
import { partialName } from './layout.ts';
import type { BackupRecord } from './records.ts';
import type { Repository } from './repository.ts';

/**
 * The first segment of the log that a backup needs and a repository does not have. Of the last one a part is enough, as of a standby, which cannot end it.
 * @throws {PitcrewError} `E_STORAGE`
 */
export async function lackingSegment(
  repository: Repository,
  { timeline, startLsn, endLsn, segmentBytes }: BackupRecord,
): Promise<string | undefined> {
  const names = segmentNames(timeline, startLsn, endLsn, segmentBytes);
  for (const name of names) {
    if (await repository.hasWal(name)) continue;
    if (name === names.at(-1) && (await repository.hasWal(partialName(name)))) continue;
    return name;
  }
  return undefined;
}
