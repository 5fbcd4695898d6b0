import { randomBytes } from 'node:crypto';
import type { ReplicationConnection } from '../../../engine/postgres/replication/index.ts';
import type { Requirements } from './requirements.ts';

/** Makes the slot that is to be read from, or takes the one that is there. @returns its name. */
export async function takeSlot(
  replication: ReplicationConnection,
  permanent: string | undefined,
  { slotThere, slotLost }: Pick<Requirements, 'slotThere' | 'slotLost'>,
): Promise<string> {
  if (permanent === undefined) {
    const name = `pitcrew_${randomBytes(8).toString('hex')}`;
    await replication.createSlot(name, { temporary: true });
    return name;
  }
  // The server has given up what it needs: it is of no use any more.
  if (slotLost) await replication.dropSlot(permanent);
  if (slotLost || !slotThere) await replication.createSlot(permanent, { temporary: false });
  return permanent;
}
