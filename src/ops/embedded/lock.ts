import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { messageOf, PitcrewError } from '../../errors.ts';
import { asDataDirError, diskFull } from './data-dir-errors.ts';

export interface Lock {
  release(): void;
}

const SQLITE_BUSY = 5;
const SQLITE_FULL = 13;
const held = new Set<string>();

/**
 * Makes this process the only one that works in `dir`, until it releases the lock or ends. The kernel holds the lock
 * (a file lock, taken through SQLite because Node has no call for it), so that `kill -9` frees it too and a process id
 * that was given to another program means nothing. Files made: `<path>` and `<path>.pid`, for the message.
 * @throws {PitcrewError} `E_DATA_DIR` when another process holds it, or the file cannot be made.
 */
export function holdLock(path: string, dir: string): Lock {
  // Opening and closing the file would free a lock that this very process holds on it.
  if (held.has(path)) throw inUse(dir, process.pid);
  const database = openLockFile(path, dir);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw cannotLock(error, path, dir);
  }
  held.add(path);
  notePid(path);
  return {
    release() {
      if (!held.delete(path)) return;
      rmSync(`${path}.pid`, { force: true });
      database.close();
    },
  };
}

function openLockFile(path: string, dir: string): DatabaseSync {
  try {
    if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
  } catch (error) {
    throw asDataDirError(error, dir);
  }
  return new (loadSqlite().DatabaseSync)(path);
}

/** Node 22 warns that its SQLite is experimental; what a lock needs of it will not change. */
function loadSqlite(): typeof import('node:sqlite') {
  const warn = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = warn;
  }
}

function cannotLock(error: unknown, path: string, dir: string): PitcrewError {
  const reason = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  if (reason === SQLITE_BUSY) return inUse(dir, readPid(path));
  if (reason === SQLITE_FULL) return diskFull(dir, `${path}: ${messageOf(error)}`, error);
  return new PitcrewError('E_DATA_DIR', `cannot lock "${dir}"`, {
    detail: `${path}: ${messageOf(error)}`,
    hint: 'Give a folder that this user may write to, on a file system with locks, with --data-dir.',
    cause: error,
  });
}

function notePid(path: string): void {
  try {
    writeFileSync(`${path}.pid`, `${process.pid}\n`);
  } catch {
    // It only makes a message better.
  }
}

function inUse(dir: string, pid: number | undefined): PitcrewError {
  return new PitcrewError('E_DATA_DIR', `"${dir}" is in use`, {
    detail: pid === undefined ? 'Another process works in it.' : `Process ${pid} works in it.`,
    hint: 'Stop that process, or give another folder with --data-dir.',
  });
}

function readPid(path: string): number | undefined {
  try {
    return Number(readFileSync(`${path}.pid`, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}
