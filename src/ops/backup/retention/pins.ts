import { PitcrewError } from '../../../errors.ts';
import type { PinRecord, Repository } from '../repository/index.ts';

/** Keeps a backup, and all that it needs, whatever the calendar and the limits say. One that is pinned already is pinned anew. @throws {PitcrewError} `E_NOT_FOUND` */
export async function pin(
  repository: Repository,
  id: string,
  { until = null, reason = null }: { until?: Date | null; reason?: string | null } = {},
): Promise<PinRecord> {
  await repository.backup(id);
  const record: PinRecord = { format: 1, id, pinnedAt: new Date(), until, reason };
  await repository.putPin(record);
  // It may have been removed at the same time.
  try {
    await repository.backup(id);
  } catch (error) {
    await repository.removePin(id);
    throw error;
  }
  return record;
}

/** Lets the calendar and the limits decide again. @throws {PitcrewError} `E_NOT_FOUND` when it is not pinned */
export async function unpin(repository: Repository, id: string): Promise<void> {
  if (await repository.removePin(id)) return;
  throw new PitcrewError('E_NOT_FOUND', `${id} is not pinned`, {
    hint: '"pitcrew backup list" shows what is.',
  });
}

/** All pins, by the backup's name; those whose time is over too. */
export async function readPins(repository: Repository): Promise<Map<string, PinRecord>> {
  return new Map((await repository.pins()).map((record) => [record.id, record]));
}
