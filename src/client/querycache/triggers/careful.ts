import pg from 'pg';

/** How long a change of definitions may wait for a lock, in ms. */
const LOCK_TIMEOUT_MS = 2000;

/** Of all that make or remove triggers: the lock that one of them has at a time ("pitc", "trig"). */
const lockClass = 0x70697463;
const triggerLock = 0x74726967;

/** Does something while nobody else changes triggers in this database. @returns `undefined` when somebody else does. */
export async function onlyOne<Result>(client: pg.ClientBase, work: () => Promise<Result>): Promise<Result | undefined> {
  const { rows } = await client.query<{ locked: boolean | string }>(
    'SELECT /* pitcrew */ pg_try_advisory_lock($1, $2) AS "locked"',
    [lockClass, triggerLock],
  );
  if (rows[0]?.locked !== true) return undefined;
  try {
    return await work();
  } finally {
    await client.query('SELECT /* pitcrew */ pg_advisory_unlock($1, $2)', [lockClass, triggerLock]).catch(() => {});
  }
}

/** All of it or nothing, and without waiting long for a lock. */
export async function inTransaction(client: pg.ClientBase, work: () => Promise<unknown>): Promise<void> {
  await client.query(`BEGIN /* pitcrew */; SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
  try {
    await work();
    await client.query('COMMIT /* pitcrew */');
  } catch (error) {
    await client.query('ROLLBACK /* pitcrew */').catch(() => {});
    throw error;
  }
}

/** Somebody else had a table for too long. */
export function lockTimedOut(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code === '55P03';
}
