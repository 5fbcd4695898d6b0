import { setTimeout as delay } from 'node:timers/promises';
import { PitcrewError } from '../../../errors.ts';
import { type Identity, type Programs, spawnServer, startFailure } from '../../embedded/index.ts';
import { newLines } from './new-lines.ts';
import { type RecoveryEnd, type RecoveryLog, recoveryLog, type RecoveryProgress } from './recovery-log.ts';
import { supplyConfig } from './supply-config.ts';

export interface StartRestoredOptions {
  /** A data directory that was restored. Its server's log goes to `<dataDir>.log`. */
  dataDir: string;
  /** Of the right major version: `serverPrograms`. */
  programs: Programs;
  /** Who runs it: the owner of the data directory. */
  identity: Identity | undefined;
  /** Of a segment of its log. */
  segmentBytes: number;
  /** What goes before the settings in its files, such as a port. */
  settings?: Readonly<Record<string, string>>;
  /** It ends when this process does, however that ends. Otherwise it stays. */
  bound: boolean;
  signal?: AbortSignal | undefined;
  onProgress?(progress: RecoveryProgress): void;
}

/** A server whose recovery has ended. */
export interface RestoredServer {
  /** `open`: for writing; `paused`: at its target, and can be read; `shutdown`: it ended at its target. */
  state: 'open' | 'paused' | 'shutdown';
  end: RecoveryEnd;
  /** From its start to the end of recovery. */
  tookMs: number;
  /** Files of settings that were missing and were made. */
  madeFiles: string[];
  /** Resolves when it is gone. */
  readonly exited: Promise<void>;
  /** Fast, and at once where it does not go. */
  stop(): Promise<void>;
}

/** So that its recovery can be followed: what is read is its log, because no role and password of it are known. */
const readable: Readonly<Record<string, string>> = {
  logging_collector: 'off',
  log_destination: 'stderr',
  log_min_messages: 'warning',
  lc_messages: 'C',
};

const lookEveryMs = 100;

/**
 * Starts PostgreSQL in a folder that was restored, and waits until its recovery has ended.
 * @throws {PitcrewError} `E_NOT_FOUND` when the log ends before the target; `E_EMBEDDED` when it does not start or recover, with the last lines of its
 * log; `E_ABORTED` (it is stopped then, and goes on where it was when it is started again)
 */
export async function startRestored(options: StartRestoredOptions): Promise<RestoredServer> {
  const { dataDir, programs, identity, segmentBytes, bound, signal } = options;
  const madeFiles = await supplyConfig(dataDir, { segmentBytes, owner: identity });
  const startedAt = performance.now();
  const settings = Object.entries({ ...readable, ...options.settings }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const server = spawnServer({ programs, dataDir, identity, args: settings, bound });
  const lines = newLines(server.log.path, server.log.start);
  const stop = (): Promise<void> => server.stop('fast');
  const told = recoveryLog(segmentBytes);
  try {
    for (;;) {
      // First: what it said before it ended is read then.
      const isOver = server.hasEnded;
      for (const line of await lines()) told.read(line);
      options.onProgress?.(told.progress);
      signal?.throwIfAborted();
      if (told.isStuck) throw tooLow(await server.said());
      const state = isOver ? endState(told.isShutDown, dataDir, await server.said()) : stateOf(told);
      if (state !== undefined) {
        // A server that is to stay does not keep us.
        server.unref();
        const tookMs = performance.now() - startedAt;
        return { state, end: told.end, tookMs, madeFiles, exited: server.exited.then(() => {}), stop };
      }
      await Promise.race([server.exited, delay(lookEveryMs)]);
    }
  } catch (error) {
    await stop();
    if (signal?.aborted) throw new PitcrewError('E_ABORTED', 'the recovery was stopped', { cause: error });
    throw error;
  }
}

function stateOf({ isOpen, isPaused }: RecoveryLog): RestoredServer['state'] | undefined {
  if (isOpen) return 'open';
  return isPaused ? 'paused' : undefined;
}

/** Of a server that has ended. */
function endState(isShutDown: boolean, dataDir: string, tail: string): 'shutdown' {
  if (isShutDown) return 'shutdown';
  if (/recovery ended before configured recovery target was reached/.test(tail)) {
    throw new PitcrewError('E_NOT_FOUND', 'the log ends before the target', {
      detail: lastFatal(tail),
      hint: 'Restore without a target, to the end of the log, or to an earlier one.',
    });
  }
  throw startFailure('the recovery', dataDir, tail);
}

const lastFatal = (tail: string): string | undefined =>
  tail.split('\n').findLast((line) => /(FATAL|PANIC):/.test(line));

function tooLow(tail: string): PitcrewError {
  return new PitcrewError('E_EMBEDDED', 'the recovery waits for a higher setting', {
    detail: tail,
    hint: 'Settings such as max_connections must not be lower than they were on the server that wrote the log.',
  });
}
