import type { PinRecord, Repository } from '../repository/index.ts';
import { readPins } from '../retention/pins.ts';

/**
 * Has pins hold in another repository as well, for the backups that it has. A pin that was copied follows the one that it was copied from: it is
 * changed with it, and goes with it as long as the backup is still there. One that somebody made in the target stays; of two the one that holds longer does.
 * @returns how many were put there, changed or removed
 * @throws {PitcrewError} `E_STORAGE`, `E_BACKUP_DAMAGED`
 */
export async function mirrorPins(from: Repository, to: Repository): Promise<number> {
  const [pins, there] = [await readPins(from), await readPins(to)];
  if (pins.size === 0 && there.size === 0) return 0;
  const known = new Set((await to.backups()).map(({ id }) => id));
  let changed = 0;
  for (const pin of pins.values()) {
    const next = known.has(pin.id) ? wantedPin(pin, there.get(pin.id), from.name) : undefined;
    if (!next) continue;
    await to.putPin(next);
    changed += 1;
  }
  const gone = [...there.values()].filter(({ id, copiedFrom }) => copiedFrom === from.name && !pins.has(id));
  if (gone.length === 0) return changed;
  // Where the backup is gone too, as with a disk that was lost, nobody has unpinned it.
  const kept = new Set((await from.backups()).map(({ id }) => id));
  for (const { id } of gone) if (kept.has(id) && (await to.removePin(id))) changed += 1;
  return changed;
}

/** `undefined`: what is there will do. */
function wantedPin(pin: PinRecord, there: PinRecord | undefined, from: string): PinRecord | undefined {
  const copied: PinRecord = { ...pin, copiedFrom: from };
  if (!there) return copied;
  if (there.copiedFrom === from) return JSON.stringify(there) === JSON.stringify(copied) ? undefined : copied;
  return endOf(pin) > endOf(there) ? { ...there, until: pin.until, reason: pin.reason } : undefined;
}

const endOf = ({ until }: PinRecord): number => until?.getTime() ?? Infinity;
