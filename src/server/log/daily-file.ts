import { mkdirSync } from 'node:fs';
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { createStream, type RotatingFileStream } from 'rotating-file-stream';
import { messageOf } from '../../errors.ts';

/** After a failure, how long until the file is tried again. */
const retryMs = 60_000;
/** Bytes that may wait for the disk; beyond that lines are dropped rather than memory used. */
const maxWaitingBytes = 1024 * 1024;

export interface DailyFile {
  write(line: string): void;
  close(): Promise<void>;
}

/**
 * Writes lines to `CHANNEL-YYYY-MM-DD.log`, a new file each day, files older than `keepDays` removed. A full disk or a
 * folder that cannot be written is told once by `report`; lines are dropped until the file can be written again.
 */
export function dailyFile(
  dir: string,
  channel: string,
  keepDays: number,
  report: (message: string) => void,
): DailyFile {
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
      const opened = createStream((time) => fileName(channel, time), {
        path: dir,
        interval: '1d',
        intervalBoundary: true,
        immutable: true,
        mode: 0o640,
      });
      opened.on('error', (error) => {
        if (stream === opened) fail(error);
      });
      opened.on('open', () => void removeOld(dir, channel, keepDays));
      return opened;
    } catch (error) {
      fail(error);
      return undefined;
    }
  }

  return {
    write(line) {
      if (stream === undefined && Date.now() - failedAt > retryMs) stream = open();
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

/** The day in local time, in which administrators think and in which the rotation turns. */
export function fileName(channel: string, time: number | Date | null): string {
  const day = new Date(time ?? Date.now());
  const two = (part: number) => String(part).padStart(2, '0');
  return `${channel}-${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}.log`;
}

/** Age is told by the name: the file's times change when someone copies it. */
async function removeOld(dir: string, channel: string, keepDays: number): Promise<void> {
  const oldest = new Date();
  oldest.setDate(oldest.getDate() - keepDays + 1);
  const limit = fileName(channel, oldest);
  const own = new RegExp(`^${channel}-\\d{4}-\\d{2}-\\d{2}\\.log$`);
  const names = await readdir(dir).catch(() => []);
  const old = names.filter((name) => own.test(name) && name < limit);
  await Promise.all(old.map((name) => unlink(join(dir, name)).catch(() => {})));
}
