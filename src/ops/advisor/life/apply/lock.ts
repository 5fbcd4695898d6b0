import { type ChangeSession, connectForChanges } from '../../../../engine/postgres/index.ts';
import { PitcrewError } from '../../../../errors.ts';
import { ask } from './look.ts';

/** Keys of the advisory lock on a watched database under which Pitcrew changes it ("pita"). */
const lockKeys = [0x70_69_74_61, 0] as const;

/**
 * Opens a session that alone, among those of all daemons, may change the database for Pitcrew. It holds that right until it ends; when this
 * process dies, until what it runs has ended on the server.
 * @throws {PitcrewError} of connecting; `E_CONFLICT` when another has it.
 */
export async function sessionForChanges(url: string): Promise<ChangeSession> {
  const session = await trySessionForChanges(url);
  if (session) return session;
  throw new PitcrewError('E_CONFLICT', 'another change of this database is under way', {
    detail: 'Pitcrew makes one at a time.',
    hint: 'Wait until it has ended: "pitcrew advise list" shows it.',
  });
}

/** The same; `undefined` when another has it. */
export async function trySessionForChanges(url: string): Promise<ChangeSession | undefined> {
  const session = await connectForChanges({ url, applicationName: 'pitcrew advice' });
  try {
    const [row] = await ask<{ mine: boolean }>(session, `SELECT pg_try_advisory_lock($1, $2) AS "mine"`, lockKeys);
    if (row?.mine) return session;
  } catch (error) {
    await session.close();
    throw error;
  }
  await session.close();
  return undefined;
}
