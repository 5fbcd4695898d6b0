import { setTimeout as delay } from 'node:timers/promises';
import { type ChangeSession, connectForChanges } from '../../../../engine/postgres/index.ts';
import { PitcrewError } from '../../../../errors.ts';
import { ask } from './look.ts';

/** Keys of the advisory lock on a watched database under which Pitcrew changes it ("pita"). */
const lockKeys = [0x70_69_74_61, 0] as const;

/** Whoever looks what became of a change has the lock for moments: so long it is tried again. */
const patienceMs = 2000;
const tryAgainMs = 50;

/**
 * Opens a session that alone, among those of all daemons, may change the database for Pitcrew. It holds that right until it ends; when this
 * process dies, until what it runs has ended on the server.
 * @throws {PitcrewError} of connecting; `E_CONFLICT` when another has it.
 */
export async function sessionForChanges(url: string): Promise<ChangeSession> {
  const session = await trySessionForChanges(url, patienceMs);
  if (session) return session;
  throw new PitcrewError('E_CONFLICT', 'another change of this database is under way', {
    detail: 'Pitcrew makes one at a time.',
    hint: 'Wait until it has ended: "pitcrew advise list" shows it.',
  });
}

/** The same; `undefined` when another has it, and still has it after `waitMs`. */
export async function trySessionForChanges(url: string, waitMs = 0): Promise<ChangeSession | undefined> {
  const session = await connectForChanges({ url, applicationName: 'pitcrew advice' });
  const giveUpAt = Date.now() + waitMs;
  try {
    // Waiting on the server would keep a snapshot, for which a concurrent build waits in turn.
    while (!(await isTaken(session))) {
      if (Date.now() >= giveUpAt) {
        await session.close();
        return undefined;
      }
      await delay(tryAgainMs);
    }
    return session;
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function isTaken(session: ChangeSession): Promise<boolean> {
  const [row] = await ask<{ mine: boolean }>(session, `SELECT pg_try_advisory_lock($1, $2) AS "mine"`, lockKeys);
  return row?.mine === true;
}
