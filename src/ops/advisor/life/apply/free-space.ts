import { statfs } from 'node:fs/promises';
import { type ChangeSession, parseAddress } from '../../../../engine/postgres/index.ts';
import { isLocalAddress } from '../../../monitor/index.ts';
import { ask } from './look.ts';

/** Bytes that are free on the file system of the server's data directory; `null` where that is not on this machine. */
export async function freeBytesOf(session: ChangeSession, url: string): Promise<number | null> {
  const host = parseAddress(url)?.host.split(',')[0];
  if (!isLocalAddress(host)) return null;
  const [row] = await ask<{ path: string | null }>(
    session,
    `SELECT (SELECT setting FROM pg_settings WHERE name = 'data_directory') AS "path"`,
  );
  if (!row?.path) return null;
  try {
    const { bavail, bsize } = await statfs(row.path);
    return bavail * bsize;
  } catch {
    // Another machine behind a tunnel, or a container of its own.
    return null;
  }
}
