import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

// This is loaded for every segment that a server recovers with: it imports nothing but Node.

/** A segment that a recovering server asks for, and the folder in which those after it are laid out. */
export interface WantedSegment {
  name: string;
  /** Where PostgreSQL wants it. */
  path: string;
  dataDir: string;
  /** What the server's pid file says of the server: process, data directory, start. */
  server: string;
  /**
   * In `pg_wal`, which no backup has in it: of one run of the server, and of one command line. So nothing is ever taken from it that came from another
   * repository, or that a crash of the machine may have left half-written.
   */
  spool: string;
}

/** How names of spools begin. */
export const spoolPrefix = 'pitcrew-ahead-';

/**
 * Reads the words of `backup fetch-wal`.
 * @returns `undefined` for what is no segment, or is not asked for by the recovery of a server: the ordinary way serves that
 */
export function wantedSegment(argv: readonly string[]): WantedSegment | undefined {
  const [name = '', path = ''] = argv.slice(-2);
  // So PostgreSQL names where it wants a segment during recovery.
  if (!/^[0-9A-F]{24}$/.test(name) || basename(path) !== 'RECOVERYXLOG') return undefined;
  const dataDir = dirname(dirname(path));
  const server = serverIn(dataDir);
  if (server === undefined) return undefined;
  const key = JSON.stringify([argv.slice(0, -2), process.env['PITCREW_BACKUP_REPOSITORY'] ?? null, server]);
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 16);
  return { name, path, dataDir, server, spool: join(dirname(path), spoolPrefix + hash) };
}

/** Whether that server still runs, and recovers. */
export function isRecovering({ dataDir, server }: WantedSegment): boolean {
  const isArchived = ['recovery.signal', 'standby.signal'].some((name) => existsSync(join(dataDir, name)));
  return isArchived && serverIn(dataDir) === server;
}

function serverIn(dataDir: string): string | undefined {
  try {
    return readFileSync(join(dataDir, 'postmaster.pid'), 'utf8').split('\n').slice(0, 3).join('\n');
  } catch {
    return undefined;
  }
}

/** What has not grown for so long is not waited for. */
const stalledMs = 5000;

/** Puts a segment where PostgreSQL wants it if it was laid out, or just is. @returns whether it did */
export async function takeLaidOut({ name, path, spool }: WantedSegment): Promise<boolean> {
  do {
    if (move(join(spool, name), path)) return true;
    await delay(5);
  } while (isGrowing(spool, name));
  return move(join(spool, name), path);
}

function move(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

/** Whether it is being fetched into the spool. */
function isGrowing(spool: string, name: string): boolean {
  try {
    const part = readdirSync(spool).find((file) => file.startsWith(`${name}.`));
    return part !== undefined && Date.now() - statSync(join(spool, part)).mtimeMs < stalledMs;
  } catch {
    return false;
  }
}
