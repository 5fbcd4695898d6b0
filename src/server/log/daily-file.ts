import { mkdirSync } from 'node:fs';
import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createStream, type RotatingFileStream } from 'rotating-file-stream';
import { messageOf } from '../../errors.ts';

/** Bytes that may wait for the disk; beyond that lines are dropped rather than memory used. */
const maxWaitingBytes = 1024 * 1024;

export interface DailyFile {
  write(line: string): void;
  close(): Promise<void>;
}

export interface DailyFileOptions {
  dir: string;
  channel: string;
  keepDays: number;
  /** Told once when the disk or the folder fails, and again when it fails anew. */
  report: (message: string) => void;
  /** When a new file begins: at midnight, unless a test cannot wait for it. */
  interval?: string;
  /** When a day's file is continued in another one; 32 MiB by default. */
  size?: string;
  /** Bytes of the channel's files that are no longer written: beyond it the oldest go early; 512 MiB by default. */
  keepBytes?: number;
  /** After a failure, how long until the file is tried again; a minute by default. */
  retryMs?: number;
}

/**
 * Writes lines to `CHANNEL-YYYY-MM-DD.log`, a new file each day and when it is full (`CHANNEL-YYYY-MM-DD.2.log`). A full
 * disk or a folder that cannot be written is told once by `report`; lines are dropped until the file can be written again.
 */
export function dailyFile(options: DailyFileOptions): DailyFile {
  const { dir, channel, report, interval = '1d', size = '32M', retryMs = 60_000 } = options;
  let stream: RotatingFileStream | undefined;
  let failedAt = Number.NEGATIVE_INFINITY;
  let reported = false;

  function fail(error: unknown): void {
    stream = undefined;
    failedAt = Date.now();
    if (!reported) report(`the log of channel ${channel} cannot be written to ${dir}: ${messageOf(error)}`);
    reported = true;
  }

  function open(): RotatingFileStream | undefined {
    try {
      mkdirSync(dir, { recursive: true, mode: 0o750 });
      const opened = createStream((time, part) => fileName(channel, time, part), {
        path: dir,
        interval,
        intervalBoundary: true,
        size,
        immutable: true,
        mode: 0o640,
      });
      opened.on('error', (error) => {
        if (stream === opened) fail(error);
      });
      opened.on('open', (path: string) => void removeOld(options, path));
      return opened;
    } catch (error) {
      fail(error);
      return undefined;
    }
  }

  return {
    write(line) {
      if (stream === undefined && Date.now() - failedAt >= retryMs) stream = open();
      if (stream === undefined || stream.writableLength > maxWaitingBytes) return;
      stream.write(line, (error) => {
        if (!error) reported = false;
      });
    },
    close() {
      const closing = stream;
      stream = undefined;
      if (closing === undefined || closing.destroyed) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      closing.once('close', resolve).once('error', () => resolve());
      closing.end(() => resolve());
      return promise;
    },
  };
}

/** The day in local time, in which administrators think and in which the rotation turns; and which file of that day. */
export function fileName(channel: string, time: number | Date | null, part = 1): string {
  const day = new Date(time ?? Date.now());
  const two = (number: number) => String(number).padStart(2, '0');
  const date = `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
  return `${channel}-${date}${part > 1 ? `.${part}` : ''}.log`;
}

/**
 * Removes files of days that are over, then the oldest until the others fit into `keepBytes`; never the one that is
 * written. The day is told by the name: the file's times change when someone copies it.
 */
async function removeOld({ dir, channel, keepDays, keepBytes = 512 * 1024 * 1024 }: DailyFileOptions, current: string) {
  const oldest = new Date();
  oldest.setDate(oldest.getDate() - keepDays + 1);
  const limit = fileName(channel, oldest);
  const own = new RegExp(`^(${channel}-\\d{4}-\\d{2}-\\d{2})(?:\\.\\d+)?\\.log$`);
  const remove = (path: string) => unlink(path).catch(() => {});
  const kept: { path: string; size: number; written: number }[] = [];
  for (const name of await readdir(dir).catch(() => [])) {
    const start = own.exec(name)?.[1];
    const path = join(dir, name);
    if (start === undefined || path === current) continue;
    const found = await stat(path).catch(() => undefined);
    if (`${start}.log` < limit) await remove(path);
    else if (found) kept.push({ path, size: found.size, written: found.mtimeMs });
  }
  let bytes = 0;
  for (const { path, size } of kept.toSorted((a, b) => b.written - a.written)) {
    bytes += size;
    if (bytes > keepBytes) await remove(path);
  }
}
