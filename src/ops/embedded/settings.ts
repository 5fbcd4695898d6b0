import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Identity } from './identity.ts';

/**
 * A small server that shares its machine: little memory, little write-ahead log, a quiet log. What decides over the
 * safety of data (fsync, full_page_writes, synchronous_commit) stays as PostgreSQL has it.
 */
export const smallServer: Readonly<Record<string, string>> = Object.freeze({
  shared_buffers: '32MB',
  max_connections: '30',
  min_wal_size: '32MB',
  max_wal_size: '256MB',
  // A replica that is away must not fill the disk.
  max_slot_wal_keep_size: '512MB',
  log_checkpoints: 'off',
  log_timezone: 'UTC',
  timezone: 'UTC',
  default_text_search_config: 'pg_catalog.english',
});

/** Settings of a server whose data is worth nothing after it stops. */
export const throwawayServer: Readonly<Record<string, string>> = Object.freeze({
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
});

/**
 * Writes postgresql.conf. What `ALTER SYSTEM` set is in another file, stays, and goes first.
 */
export function writeSettings(dataDir: string, settings: Record<string, string>, identity: Identity | undefined): void {
  const lines = Object.entries(settings).map(([name, value]) => setting(name, value));
  const path = join(dataDir, 'postgresql.conf');
  writeFileSync(
    path,
    `# Written by Pitcrew at every start; change settings with ALTER SYSTEM.\n${lines.join('\n')}\n`,
    {
      mode: 0o600,
    },
  );
  if (identity) chownSync(path, identity.uid, identity.gid);
}

/** A line of postgresql.conf, in which a backslash escapes as well. */
export function setting(name: string, value: string): string {
  return `${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
