import { parseSize } from '../../../config/index.ts';
import type { PhysicalConnection } from '../../../engine/postgres/replication/physical/index.ts';
import { PitcrewError } from '../../../errors.ts';

/** How large the server's segments of log are, in bytes. */
export async function segmentBytesOf(connection: PhysicalConnection): Promise<number> {
  const setting = await connection.show('wal_segment_size');
  const bytes = parseSize(setting);
  if (bytes !== undefined && bytes > 0) return bytes;
  throw new PitcrewError('E_INTERNAL', 'the server tells a size in a form that is not known', { detail: setting });
}
