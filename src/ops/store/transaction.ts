import type { ClientBase } from 'pg';

/** Runs `work` in a transaction; rolls back when it throws. */
export async function inTransaction<Result>(client: ClientBase, work: () => Promise<Result>): Promise<Result> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    // The connection may be gone; what counts is the first error.
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
