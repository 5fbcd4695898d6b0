import { openPhysical, streamWal } from '../../../engine/postgres/replication/physical/index.ts';
import { PitcrewError } from '../../../errors.ts';
import { partialName, type Repository } from '../repository/index.ts';
import { segmentName, segmentStart } from '../wal/segments.ts';

/**
 * Stores what there is of the segment that has a position: what a backup needs of its last one when it was not ended. A whole one, or a part with as much, that is
 * there stays; a stream or a later backup brings the whole.
 * @throws {PitcrewError} `E_CONFLICT` when the server was promoted before it got there; of the connection, of the storage
 */
export async function storePart(
  url: string,
  repository: Repository,
  { timeline, endLsn, segmentBytes }: { timeline: number; endLsn: bigint; segmentBytes: number },
): Promise<void> {
  const from = segmentStart(endLsn, segmentBytes);
  const name = segmentName(timeline, from, segmentBytes);
  if (endLsn === from || (await repository.hasWal(name))) return;
  const connection = await openPhysical({ url });
  try {
    const { flushedLsn } = await connection.identify();
    const to = [flushedLsn, from + BigInt(segmentBytes)].reduce((a, b) => (a < b ? a : b));
    if (from + BigInt(await storedBytes(repository, partialName(name))) >= to) return;
    let stored = from;
    async function* content(): AsyncGenerator<Buffer> {
      for await (const { startLsn, bytes } of streamWal(connection, { from, timeline })) {
        const piece = bytes.subarray(0, Number(to - startLsn));
        yield piece;
        stored = startLsn + BigInt(piece.length);
        if (stored >= to) return;
      }
    }
    await repository.putPartial(name, content());
    if (stored < endLsn) throw tooShort(timeline);
  } finally {
    connection.destroy();
  }
}

function tooShort(timeline: number): PitcrewError {
  return new PitcrewError('E_CONFLICT', 'the server was promoted while it was backed up', {
    detail: `Its timeline ${timeline} ended before the log that the backup needs.`,
    hint: 'Make the backup again.',
  });
}

/** Of a part that is there; 0 where there is none, or it cannot be read, as without the key. */
async function storedBytes(repository: Repository, name: string): Promise<number> {
  let bytes = 0;
  try {
    for await (const piece of (await repository.readWal(name)) ?? []) bytes += piece.length;
  } catch {
    return 0;
  }
  return bytes;
}
