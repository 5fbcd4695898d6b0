import pg from 'pg';
import { PitcrewError } from '../../errors.ts';

/**
 * Whether a server refused us because all its connections are taken, so that others are refused as well. Told by SQLSTATE
 * (53300, too_many_connections), because messages come in the server's language; PgBouncer has one SQLSTATE for all its
 * messages, and one language.
 */
export function noConnectionLeft(error: unknown): boolean {
  if (!(error instanceof PitcrewError)) return false;
  if (error.sqlState === '53300') return !['role', 'replication'].includes(limitOf(error.cause));
  return error.sqlState === '08P01' && /\bmax_client_conn\b/.test(error.detail ?? '');
}

/** What to do about SQLSTATE 53300. */
export function noConnectionHint(thrown: unknown): string {
  switch (limitOf(thrown)) {
    case 'role':
      return 'The role has as many connections as it may have: see ALTER ROLE … CONNECTION LIMIT.';
    case 'database':
      return 'The database has as many connections as it may have: see ALTER DATABASE … CONNECTION LIMIT.';
    case 'replication':
      return 'All places for replication are taken: raise max_wal_senders on the server, which then has to be restarted.';
    case 'server':
      return 'All connections are taken: raise max_connections, use a pooler, or grant pg_use_reserved_connections (16+).';
  }
}

/**
 * Whose limit it is: one SQLSTATE stands for four, and what tells them apart is the place in the server's source, or the setting that the message names in
 * any language.
 */
function limitOf(thrown: unknown): 'server' | 'database' | 'role' | 'replication' {
  if (thrown instanceof pg.DatabaseError && thrown.message.includes('max_wal_senders')) return 'replication';
  const routine = thrown instanceof pg.DatabaseError ? thrown.routine : undefined;
  if (routine === 'InitializeSessionUserId') return 'role';
  return routine === 'CheckMyDatabase' ? 'database' : 'server';
}
