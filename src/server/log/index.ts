import { pino } from 'pino';
import type { Config } from '../../config/index.ts';
import { redactSecrets } from '../../errors.ts';
import type { Logger } from '../context.ts';
import { dailyFile } from './daily-file.ts';
import { readableLine } from './readable.ts';
import { redactFields, serialiseError } from './redact.ts';

/** What is logged apart: health and figures, slow statements, the watched databases, their backups, the HTTP server. */
const channels = ['performance', 'slow', 'database', 'backup', 'server'] as const;
type Channel = (typeof channels)[number];

export interface Loggers extends Record<Channel, Logger> {
  /** Writes what waits and closes the files. */
  close(): Promise<void>;
}

/** Where lines go without `log.dir`: stderr, or whatever a test puts in its place. */
export interface LogOutput {
  write(text: string): unknown;
  isTTY?: boolean | undefined;
}

/**
 * Loggers by channel, after the settings `log`: JSON lines on stderr (readable text when it is a terminal), or one file
 * per channel and day in `log.dir`. Secrets are masked. Nothing here throws, whatever becomes of the disk.
 */
export function createLoggers(config: Config['log'], output: LogOutput = process.stderr): Loggers {
  const { dir, keepDays, level } = config;
  // The reader of a pipe may leave: without a listener that would end the process.
  if (output === process.stderr && process.stderr.listenerCount('error') === 0) process.stderr.on('error', () => {});
  const files = new Map(
    dir === undefined
      ? []
      : channels.map((channel) => [
          channel,
          dailyFile({ dir, channel, keepDays, report: (message) => safely(output, `pitcrew: ${message}\n`) }),
        ]),
  );
  const write = (channel: Channel, line: string): void => {
    const file = files.get(channel);
    if (file) file.write(line);
    else safely(output, output.isTTY ? readableLine(line, !process.env.NO_COLOR) : line);
  };
  const logger = (channel: Channel): Logger =>
    pino(
      {
        level,
        base: { channel },
        timestamp: pino.stdTimeFunctions.isoTime,
        serializers: { err: serialiseError },
        formatters: { log: (fields) => redactFields(fields) as Record<string, unknown> },
        hooks: {
          logMethod(args, method) {
            const clean = args.map((each: unknown) => (typeof each === 'string' ? redactSecrets(each) : each));
            method.apply(this, clean as Parameters<typeof method>);
          },
        },
      },
      { write: (line) => write(channel, line) },
    );
  return {
    performance: logger('performance'),
    slow: logger('slow'),
    database: logger('database'),
    backup: logger('backup'),
    server: logger('server'),
    async close() {
      await Promise.all([...files.values()].map((file) => file.close()));
    },
  };
}

/** A closed pipe or a full disk behind stderr must not stop the daemon. */
function safely(output: LogOutput, text: string): void {
  try {
    output.write(text);
  } catch {
    // There is no other place to tell it.
  }
}
