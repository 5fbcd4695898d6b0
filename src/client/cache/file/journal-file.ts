import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { uptime } from 'node:os';
import { errorCode } from '../../../errors.ts';
import { folderMode, type Layout, temporaryPath } from './layout.ts';

/** A journal begins with this line: `pitcrew-journal 1 EPOCH BOOT`. */
const headerPattern = /^pitcrew-journal 1 ([0-9a-f-]{36}) (\S+)\n/;
const headerBytes = 128;
/** A clock that is corrected moves the time of the start. */
const sameStartSeconds = 30;

export interface JournalHeader {
  readonly epoch: string;
  /** Where records begin. */
  readonly end: number;
}

/**
 * Which start of the machine this is. Nothing waits for the disk when something is invalidated: when the machine itself goes down,
 * records may be lost while older entries are not. So with another start a new epoch begins.
 */
function currentBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    // Not Linux: the time of the start, in seconds.
    return String(Math.round(Date.now() / 1000 - uptime()));
  }
}

const boot = currentBoot();

function isThisBoot(other: string): boolean {
  return other === boot || Math.abs(Number(other) - Number(boot)) <= sameStartSeconds;
}

/** `undefined` for what is no journal of ours, or of before the machine was started. */
function parseHeader(bytes: Buffer): JournalHeader | undefined {
  const [line, epoch, itsBoot] = headerPattern.exec(bytes.toString('latin1')) ?? [];
  if (line === undefined || epoch === undefined || itsBoot === undefined || !isThisBoot(itsBoot)) return undefined;
  return { epoch, end: line.length };
}

/**
 * Puts a new journal, and with it a new epoch, in the place of one, or where none is; of several processes that find none one
 * succeeds. Not asynchronous, as it hardly ever happens, and a tier must know its position from the start.
 */
export function beginJournal(layout: Layout, { replace }: { replace: boolean }): void {
  mkdirSync(layout.temporary, { recursive: true, mode: folderMode });
  const temporary = temporaryPath(layout);
  try {
    writeFileSync(temporary, `pitcrew-journal 1 ${randomUUID()} ${boot}\n`, { flag: 'wx' });
    if (replace) renameSync(temporary, layout.journal);
    else linkSync(temporary, layout.journal);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  } finally {
    try {
      unlinkSync(temporary);
    } catch {
      // It was renamed, or never there.
    }
  }
}

/** The epoch and length of the journal, which is begun when there is none that can be used. */
export function lookAtJournal(layout: Layout): { epoch: string; size: number } {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const file = openSync(layout.journal, constants.O_RDONLY);
      try {
        const bytes = Buffer.alloc(headerBytes);
        const header = parseHeader(bytes.subarray(0, readSync(file, bytes, 0, headerBytes, 0)));
        if (header) return { epoch: header.epoch, size: fstatSync(file).size };
      } finally {
        closeSync(file);
      }
      beginJournal(layout, { replace: true });
    } catch (error) {
      if (errorCode(error) !== 'ENOENT' || attempt > 3) throw error;
      beginJournal(layout, { replace: false });
    }
  }
}

export interface OpenJournal extends JournalHeader {
  readonly handle: FileHandle;
  /** Which file it is: another one may be put in its place. */
  readonly identity: string;
}

/** Opens the journal to read and to append; one that cannot be used is replaced first. */
export async function openJournal(layout: Layout): Promise<OpenJournal> {
  for (let attempt = 1; ; attempt += 1) {
    lookAtJournal(layout);
    // Without O_CREAT: one that has just gone must not come back without a header.
    const handle = await open(layout.journal, constants.O_RDWR | constants.O_APPEND).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT' || attempt > 3) throw error;
    });
    if (!handle) continue;
    try {
      const bytes = Buffer.alloc(headerBytes);
      const { bytesRead } = await handle.read(bytes, 0, headerBytes, 0);
      const header = parseHeader(bytes.subarray(0, bytesRead));
      if (header) return { ...header, handle, identity: identityOf(await handle.stat()) };
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
  }
}

export function identityOf({ dev, ino }: { dev: number; ino: number }): string {
  return `${dev}:${ino}`;
}
