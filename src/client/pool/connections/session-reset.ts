import type pg from 'pg';
import type { StatementDescription } from '../../../sql/index.ts';
import { forgetPrepared } from '../driver.ts';

/** Whether a statement may leave something in its session that the next caller would find there. */
export function leavesTraces({ session, kind }: StatementDescription): boolean {
  // Of transactions nothing is left once they have ended.
  return session && kind !== 'transaction';
}

/** Makes a session as it was when it was opened: settings, LISTEN, advisory locks, temporary tables, prepared statements. */
export async function resetSession(client: pg.ClientBase): Promise<void> {
  await client.query('DISCARD ALL');
  forgetPrepared(client);
}
