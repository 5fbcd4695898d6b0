import type { BackupRecord, PinRecord, Repository } from '../repository/index.ts';
import { decide } from '../retention/decide.ts';
import { sumLog } from '../retention/log-needs.ts';
import { readPins } from '../retention/pins.ts';
import type { RetentionClass, RetentionPolicy } from '../retention/policy.ts';

interface Sizes {
  count: number;
  /** Before compression. */
  bytes: number;
  storedBytes: number;
}

/** What a repository holds, and what that costs. */
export interface RepositoryStats {
  systemId: string | null;
  full: Sizes;
  incremental: Sizes;
  log: { segments: number; storedBytes: number };
  /** Of backups: how many bytes are stored as one; `null` without any. */
  compressionRatio: number | null;
  /** The backup that needs most others for a restore, and how many it takes with itself; `null` without any. */
  longestChain: { id: string; backups: number } | null;
  /** The earliest and the latest backup, by the server's log. */
  first: { id: string; endedAt: Date } | null;
  last: { id: string; endedAt: Date } | null;
  /** Of the time between these two; `null` where that is less than an hour. */
  perDay: { databaseBytes: number | null; logBytes: number; storedBytes: number } | null;
  /** What each kind of retention keeps. */
  retention: RetentionCost[];
  /** What the next prune would remove of backups. */
  spare: { count: number; storedBytes: number };
}

export interface RetentionCost {
  why: RetentionClass;
  /** Backups that it keeps, alone or with others. */
  count: number;
  storedBytes: number;
  /** Backups and log that would go without it. */
  ownBytes: number;
}

/** @throws {PitcrewError} `E_STORAGE`, `E_BACKUP_DAMAGED` @throws {RangeError} for a time zone that does not exist */
export async function statsOf(repository: Repository, policy: RetentionPolicy): Promise<RepositoryStats> {
  const backups = await repository.backups();
  const pins = await readPins(repository);
  const log = { segments: 0, storedBytes: 0 };
  for await (const { bytes } of repository.wal()) {
    log.segments += 1;
    log.storedBytes += bytes;
  }
  const full = sizesOf(backups.filter(({ type }) => type === 'full'));
  const incremental = sizesOf(backups.filter(({ type }) => type === 'incremental'));
  const storedBytes = full.storedBytes + incremental.storedBytes;
  const [first, last] = [backups[0], backups.at(-1)];
  const sums = await sumLog(repository, backups);
  const decided = decide(backups, policy, { pins, log: sums });
  const goes = decided.decisions.flatMap(({ backup, keep }) => (keep ? [] : [backup]));
  return {
    systemId: last?.systemId ?? null,
    full,
    incremental,
    log,
    compressionRatio: storedBytes > 0 ? (full.bytes + incremental.bytes) / storedBytes : null,
    longestChain: longestChain(backups),
    first: first ? { id: first.id, endedAt: first.endedAt } : null,
    last: last ? { id: last.id, endedAt: last.endedAt } : null,
    perDay: first && last ? perDay(backups, first, last, log.storedBytes) : null,
    retention: (Object.keys(without) as (keyof typeof without)[]).flatMap((why) => {
      const kept = decided.decisions.flatMap(({ backup, classes }) => (classes.includes(why) ? [backup] : []));
      if (kept.length === 0) return [];
      const other = without[why](policy, pins);
      const { keptBytes } = decide(backups, other.policy, { pins: other.pins, log: sums });
      const { count, storedBytes: stored } = sizesOf(kept);
      return [{ why, count, storedBytes: stored, ownBytes: Math.max(0, decided.keptBytes - keptBytes) }];
    }),
    spare: { count: goes.length, storedBytes: sizesOf(goes).storedBytes },
  };
}

type Pins = ReadonlyMap<string, PinRecord>;

/** How it would be without one of the reasons; the latest backup is kept in any case. */
const without = {
  last: (policy: RetentionPolicy, pins: Pins) => ({ policy: { ...policy, last: 1 }, pins }),
  day: (policy: RetentionPolicy, pins: Pins) => ({ policy: { ...policy, daily: 0 }, pins }),
  week: (policy: RetentionPolicy, pins: Pins) => ({ policy: { ...policy, weekly: 0 }, pins }),
  month: (policy: RetentionPolicy, pins: Pins) => ({ policy: { ...policy, monthly: 0 }, pins }),
  year: (policy: RetentionPolicy, pins: Pins) => ({ policy: { ...policy, yearly: 0 }, pins }),
  pin: (policy: RetentionPolicy) => ({ policy, pins: new Map<string, PinRecord>() }),
};

function sizesOf(backups: readonly BackupRecord[]): Sizes {
  const files = backups.flatMap((backup) => backup.files);
  return {
    count: backups.length,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    storedBytes: files.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
  };
}

function longestChain(backups: readonly BackupRecord[]): RepositoryStats['longestChain'] {
  const lengths = new Map<string, number>();
  let longest: RepositoryStats['longestChain'] = null;
  for (const { id, parent } of backups) {
    const length = 1 + (parent === null ? 0 : (lengths.get(parent) ?? 0));
    lengths.set(id, length);
    if (!longest || length > longest.backups) longest = { id, backups: length };
  }
  return longest;
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;

function perDay(
  backups: readonly BackupRecord[],
  first: BackupRecord,
  last: BackupRecord,
  logStored: number,
): RepositoryStats['perDay'] {
  const ms = last.endedAt.getTime() - first.endedAt.getTime();
  if (ms < hourMs) return null;
  const days = ms / dayMs;
  const fulls = backups.filter(({ type }) => type === 'full');
  const [oldFull, newFull] = [fulls[0], fulls.at(-1)];
  const fullDays = oldFull && newFull ? (newFull.endedAt.getTime() - oldFull.endedAt.getTime()) / dayMs : 0;
  return {
    databaseBytes:
      oldFull && newFull && fullDays * dayMs >= hourMs
        ? (sizesOf([newFull]).bytes - sizesOf([oldFull]).bytes) / fullDays
        : null,
    logBytes: Math.max(0, Number(last.endLsn - first.endLsn)) / days,
    // What was there at the beginning has not grown.
    storedBytes: (sizesOf(backups.filter(({ id }) => id !== first.id)).storedBytes + logStored) / days,
  };
}
