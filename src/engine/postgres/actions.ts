import type { DatabaseConnection } from './connection.ts';
import { quoteIdentifier } from './identifiers.ts';
import type { ServerProfile } from './server-profile.ts';
import { PitcrewError } from '../../errors.ts';

/** Cancels what a session does. False when there is no such session. Throws `E_QUERY` when the role may not. */
export async function cancelBackend(connection: DatabaseConnection, pid: number): Promise<boolean> {
  return signal(connection, 'pg_cancel_backend', pid);
}

/** Ends a session. False when there is no such session. Throws `E_QUERY` when the role may not. */
export async function terminateBackend(connection: DatabaseConnection, pid: number): Promise<boolean> {
  return signal(connection, 'pg_terminate_backend', pid);
}

async function signal(connection: DatabaseConnection, name: string, pid: number): Promise<boolean> {
  const [row] = await connection.run<{ done: boolean }>(`SELECT ${name}($1::int4) AS "done"`, [pid]);
  return row?.done ?? false;
}

/** Resets pg_stat_statements, for all databases and users. Throws `E_UNSUPPORTED` without it, `E_QUERY` without the right. */
export async function resetStatements(connection: DatabaseConnection, profile: ServerProfile): Promise<void> {
  const { usable, schema, skipped } = profile.statements;
  if (!usable) {
    throw new PitcrewError('E_UNSUPPORTED', 'pg_stat_statements is not in use', {
      detail: skipped[0]?.reason,
      hint: skipped[0]?.fix ?? undefined,
    });
  }
  await connection.run(`SELECT ${quoteIdentifier(schema)}.pg_stat_statements_reset()::text`);
}
