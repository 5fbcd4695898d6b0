import { messageOf, type PitcrewError } from '../../../errors.ts';
import type {
  BackupRunBegun,
  BackupRunEnded,
  BackupRunError,
  BackupRunLine,
  BackupStore,
  LatestRuns,
} from '../../store/index.ts';
import type { BackupLogger } from './types.ts';

/** Lines that the store has of one run, the last of which says that more was left out. */
const mostLines = 500;
/** Lines are written so soon, several at a time. */
const writeAfterMs = 1000;

/** What a run tells of itself: to the log, and to the store as far as that can be reached. */
export interface RunLog {
  /** The store's number; `null` while it could not be written down. */
  readonly id: number | null;
  readonly begun: BackupRunBegun;
  /** How it ended; `null` while it is under way. */
  readonly ended: BackupRunEnded | null;
  say(level: BackupRunLine['level'], text: string): void;
  /** Writes down how it ended. Never throws: what the store cannot take now is written by `write`. */
  end(ended: BackupRunEnded): Promise<void>;
  /** Writes what is not written yet. @returns whether all is */
  write(): Promise<boolean>;
}

export interface RunLogOptions {
  database: string;
  targetId: number;
  store: BackupStore;
  logger: BackupLogger;
}

/** Begins to write a run down. A backup is made whether or not the store can take it. */
export async function openRunLog(options: RunLogOptions, begun: BackupRunBegun): Promise<RunLog> {
  const { database, targetId, store, logger } = options;
  const lines: BackupRunLine[] = [];
  let id: number | null = null;
  let ended: BackupRunEnded | null = null;
  let endIsWritten = false;
  let written = 0;
  let writing: Promise<boolean> | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function writeAll(): Promise<boolean> {
    try {
      id ??= await store.beginRun(targetId, begun);
      while (written < lines.length) {
        const batch = lines.slice(written);
        await store.addLines(id, written, batch);
        written += batch.length;
      }
      if (ended && !endIsWritten) {
        await store.endRun(id, ended);
        endIsWritten = true;
      }
      return true;
    } catch (error) {
      logger.warn(
        { database, kind: begun.kind, reason: messageOf(error) },
        'a run of backups cannot be written down now',
      );
      return false;
    }
  }
  const write = (): Promise<boolean> => {
    clearTimeout(timer);
    timer = undefined;
    writing = (writing ?? Promise.resolve(true)).then(writeAll);
    return writing;
  };
  const log: RunLog = {
    get id() {
      return id;
    },
    begun,
    get ended() {
      return ended;
    },
    say(level, text) {
      logger[level]({ database, run: id, kind: begun.kind }, text);
      if (lines.length >= mostLines) return;
      const isLast = lines.length === mostLines - 1;
      lines.push({ at: new Date(), level, text: isLast ? 'More was told than is kept.' : text });
      timer ??= setTimeout(() => void write(), writeAfterMs).unref();
    },
    async end(result) {
      ended = result;
      await write();
    },
    write,
  };
  await write();
  return log;
}

/** An error as runs have it. */
export function runError({ code, message, detail, hint }: PitcrewError, passes: boolean): BackupRunError {
  return { code, message, detail: detail ?? null, hint: hint ?? null, passes };
}

/** What the store knows of runs, and what could not be written there yet. */
export function withUnwritten(runs: readonly LatestRuns[], unwritten: readonly RunLog[]): LatestRuns[] {
  const all = new Map(runs.map((each) => [each.kind, each]));
  for (const { id, begun, ended } of unwritten) {
    if (!ended) continue;
    const known = all.get(begun.kind);
    if (known && known.last.beganAt > begun.beganAt) continue;
    const run = { ...begun, ...ended, id: id ?? 0, backup: ended.backup ?? begun.backup };
    all.set(begun.kind, {
      kind: begun.kind,
      last: run,
      lastDone: ended.state === 'done' ? run : (known?.lastDone ?? null),
    });
  }
  return [...all.values()];
}
