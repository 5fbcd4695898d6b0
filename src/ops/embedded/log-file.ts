import { chownSync, closeSync, copyFileSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs';
import type { Identity } from './identity.ts';

/** Size in bytes above which a log begins anew; the one before is kept as `<log>.1`. */
const MAX_LOG_BYTES = 4 * 1024 * 1024;
const CHECK_EVERY_MS = 60_000;

/** A server's own log: a file of bounded size, because nobody empties a pipe once the daemon is gone. */
export interface LogFile {
  readonly path: string;
  /** How long it was when it was opened, in bytes. */
  readonly start: number;
  /** For the server's stdout and stderr. */
  readonly fd: number;
  /** The last lines that were written since the file was opened. */
  tail(): string;
  close(): void;
}

export function openLog(path: string, identity: Identity | undefined): LogFile {
  boundLog(path, MAX_LOG_BYTES);
  const fd = openSync(path, 'a', 0o600);
  if (identity) chownSync(path, identity.uid, identity.gid);
  const start = statSync(path).size;
  const timer = setInterval(() => boundLog(path, MAX_LOG_BYTES), CHECK_EVERY_MS).unref();
  return {
    path,
    start,
    fd,
    tail: () => readFileSync(path).subarray(start).toString('utf8').trim().split('\n').slice(-12).join('\n'),
    close() {
      clearInterval(timer);
      closeSync(fd);
    },
  };
}

/**
 * Keeps a log that is above `maxBytes` as `<log>.1` and empties it. The server goes on writing to the same file: it
 * appends, so that its next line is the first of the emptied one.
 */
export function boundLog(path: string, maxBytes: number): void {
  try {
    if (statSync(path).size <= maxBytes) return;
    copyFileSync(path, `${path}.1`);
    truncateSync(path, 0);
  } catch {
    // Not there yet, or no room for the copy: the log matters less than what it is about.
  }
}
