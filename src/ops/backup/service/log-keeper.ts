import { toPitcrewError } from '../../../errors.ts';
import { openRepositories } from '../open/open-repositories.ts';
import { slotNameOf } from '../stream/slot-name.ts';
import { streamLog } from '../stream/stream-log.ts';
import type { LogStream, StreamEvent, StreamState } from '../stream/types.ts';
import type { BackupLogger, BackupSettings, KeptLog } from './types.ts';

export interface LogKeeperOptions {
  name: string;
  url: string;
  settings: BackupSettings;
  spoolDir: string;
  logger: BackupLogger;
}

/** Keeps the log coming in. */
export interface LogKeeper {
  /** `null` where it is not to be received, or not by us. */
  log(): KeptLog | null;
  /** Begins, where it is not under way, and begins again what has ended for a reason that somebody may have seen to. */
  start(): Promise<void>;
  /** Ends it in order. */
  stop(): Promise<void>;
}

/** What ended for good is begun again so late: somebody may have changed what stood in the way. */
const againAfterMs = 300_000;

export function createLogKeeper({ name, url, settings, spoolDir, logger }: LogKeeperOptions): LogKeeper {
  let stream: LogStream | undefined;
  let stopping: AbortController | undefined;
  let since = new Date();
  let endedAt = 0;
  let failure: StreamState['error'] = null;

  function heard(event: StreamEvent): void {
    if (event.type === 'connected' || event.type === 'disconnected') since = new Date();
    // Every few seconds, and no news.
    if (event.type === 'stored' || event.type === 'caught-up') return;
    const { type, ...fields } = event;
    const isBad = [
      'disconnected',
      'gap',
      'repository-failing',
      'repository-away',
      'let-go',
      'unlimited',
      'unencrypted',
    ].includes(type);
    logger[isBad ? 'warn' : 'info']({ database: name, event: type, ...fields }, 'the log of the server');
  }

  async function begin(): Promise<void> {
    const repositories = await openRepositories(settings, (text) => logger.warn({ database: name }, text));
    const mine = new AbortController();
    stopping = mine;
    failure = null;
    since = new Date();
    const own = streamLog({
      url,
      repositories,
      slot: slotNameOf(name),
      spoolDir,
      awayAfterMs: Math.max(settings.maxLogLag, 60_000),
      maxRetainedBytes: settings.maxRetained,
      signal: mine.signal,
      onEvent: heard,
    });
    stream = own;
    own.ended
      .catch((error: unknown) => {
        const { code, message, detail, hint } = toPitcrewError(error);
        failure = { code, message, detail, hint, at: new Date().toISOString(), nextAttemptAt: null };
        logger.error({ database: name, code, detail, hint }, `the log is not received: ${message}`);
      })
      .finally(() => {
        endedAt = Date.now();
        since = new Date();
        if (stopping === mine) stopping = undefined;
      });
  }

  return {
    log() {
      if (!stream) return null;
      const state = stream.state();
      return { since, state: failure ? { ...state, phase: 'ended', error: failure } : state };
    },
    async start() {
      if (!settings.stream || stopping || Date.now() - endedAt < againAfterMs) return;
      await begin();
    },
    async stop() {
      const own = stream;
      stream = undefined;
      stopping?.abort();
      await own?.ended.catch(() => {});
      endedAt = 0;
    },
  };
}
