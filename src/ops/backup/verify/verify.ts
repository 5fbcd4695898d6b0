import {
  type BackupRecord,
  backupPrefix,
  backupRecordKey,
  backupsPrefix,
  type Repository,
  startedKey,
  type TrimmedRecord,
} from '../repository/index.ts';
import { followLog } from '../wal/follow.ts';
import { type LogRange, segmentsOf } from '../wal/ranges.ts';
import { segmentPosition, segmentStart } from '../wal/segments.ts';
import { alone } from '../wal/timelines.ts';
import { type Gap, most, type Problem, tell, type Verified, type VerifiedBackup, type VerifiedFiles } from './found.ts';
import { forgetOthers } from './remembered.ts';
import { gapsBehind } from './gaps-behind.ts';
import { type Looking, verifyFiles } from './verify-backup.ts';
import { type ReadLog, readLog } from './verify-log.ts';

export interface VerifyOptions {
  /** Only these, and the log that they need; everything by default. */
  backups?: readonly BackupRecord[] | undefined;
  /** What was found whole within so many milliseconds is not read again; 0: everything is read. A week by default. */
  maxAgeMs?: number;
  signal?: AbortSignal | undefined;
  onProgress?(progress: VerifyProgress): void;
}

export interface VerifyProgress {
  phase: 'backups' | 'log';
  doneBytes: number;
  /** Of the backups. */
  totalBytes: number;
  segments: number;
}

const week = 7 * 86_400_000;

/**
 * Reads every stored byte and compares it with the checksum that was taken when it was stored, which needs no key; and looks whether the log leads on from
 * each backup without a gap. What was found whole lately and is unchanged is not read again: that is remembered in the repository. What PostgreSQL makes of it
 * all is told by a drill alone.
 * @throws {PitcrewError} `E_STORAGE` when the repository cannot be read; `E_BACKUP_DAMAGED` when the record of a backup cannot be
 */
export async function verify(repository: Repository, options: VerifyOptions = {}): Promise<Verified> {
  const all = await repository.backups();
  const backups = options.backups ?? all;
  const totalBytes = backups.flatMap(({ files }) => files).reduce((sum, { storedBytes }) => sum + storedBytes, 0);
  const progress: VerifyProgress = { phase: 'backups', doneBytes: 0, totalBytes, segments: 0 };
  const verified: Verified = {
    backups: [],
    log: { bytes: 0, skippedBytes: 0, segments: 0, problems: [], gaps: [], unchecked: 0 },
    strays: [],
    unfinished: [],
    notRemembered: undefined,
  };
  const looking: Looking = {
    maxAgeMs: options.maxAgeMs ?? week,
    now: Date.now(),
    signal: options.signal,
    strays: verified.strays,
    onNotRemembered: (reason) => (verified.notRemembered ??= reason),
    onBytes(bytes) {
      progress.doneBytes += bytes;
      options.onProgress?.(progress);
    },
  };
  await lookAround(repository, all, verified);
  const found: VerifiedFiles[] = [];
  for (const backup of backups) {
    const files = await verifyFiles(repository, backup, looking);
    // One that was removed meanwhile is not damaged.
    if (await repository.storage.head(backupRecordKey(backup.id))) found.push(files);
  }
  Object.assign(progress, { phase: 'log', doneBytes: 0 });
  const segmentBytes = all.at(-1)?.segmentBytes ?? usualSegmentBytes;
  const log = await readLog(repository, {
    ...looking,
    segmentBytes,
    wanted: options.backups && ((name) => backups.some((backup) => needs(backup, name))),
    onSegment(segments) {
      progress.segments = segments;
      options.onProgress?.(progress);
    },
  });
  for (const each of found) {
    verified.backups.push(await unlessRemoved(repository, withLog(each, log)));
  }
  tellChains(verified.backups, all);
  const { bytes, skippedBytes, segments, unchecked } = log;
  const gaps = await gapsBehind(repository, log.stored, all);
  const { lost, told } = await byStream(repository, gaps, segmentBytes);
  const others = log.damaged.filter(({ name }) => !backups.some((backup) => needs(backup, name)));
  const problems = [...others.map(({ what, problem }) => ({ what, problem })), ...lost].slice(0, most);
  verified.log = { bytes, skippedBytes, segments, unchecked, problems, gaps: told.slice(0, most) };
  if (!options.backups) {
    const kept = new Set([...all.map(({ id }) => id), ...log.groups]);
    await forgetOthers(repository.storage, kept).catch(() => {});
  }
  return verified;
}

/** What initdb makes unless it was asked for otherwise. */
const usualSegmentBytes = 16 * 1024 * 1024;

/** Whether something is not as it was, or missing where it is needed. A gap behind a backup is not: without continuous archiving there are such. */
export const isWrong = ({ backups, log }: Verified): boolean =>
  log.problems.length > 0 || backups.some(({ problems }) => problems.length > 0);

function needs({ timeline, startLsn, endLsn, segmentBytes }: BackupRecord, name: string): boolean {
  const at = segmentPosition(name, segmentBytes);
  return at?.timeline === timeline && at.startLsn >= segmentStart(startLsn, segmentBytes) && at.startLsn < endLsn;
}

/** One that was pruned meanwhile is no worse than it was. */
async function unlessRemoved(repository: Repository, found: VerifiedBackup): Promise<VerifiedBackup> {
  if (found.problems.length === 0 || (await repository.storage.head(backupRecordKey(found.backup.id)))) return found;
  return { ...found, problems: [], removed: true };
}

function withLog(found: VerifiedFiles, log: ReadLog): VerifiedBackup {
  const { backup, problems } = found;
  const { timeline, startLsn, endLsn, segmentBytes } = backup;
  const damaged = log.damaged.flatMap(({ name, what, problem }) => (needs(backup, name) ? [{ what, problem }] : []));
  const size = BigInt(segmentBytes);
  const from = segmentStart(startLsn, segmentBytes);
  const segments = Number((endLsn - from + size - 1n) / size);
  // Of the last one a part is enough, as of a standby, which cannot end it.
  const own = followLog(log.stored, alone(timeline), { timeline, from, to: endLsn });
  const missing = own.missing.map((range) => missingProblem(gapOf(range, segmentBytes)));
  return { ...found, segments, removed: false, problems: [...problems, ...damaged, ...missing].slice(0, most) };
}

function gapOf(range: LogRange, segmentBytes: number): Gap {
  const { first, last, count } = segmentsOf(range, segmentBytes);
  return { timeline: range.timeline, first, last, segments: count };
}

function missingProblem({ first, last, segments }: Gap): Problem {
  return segments === 1
    ? { what: first, problem: 'This segment of the log is missing.' }
    : { what: `${first} to ${last}`, problem: `These ${segments} segments of the log are missing.` };
}

/** Of what an incremental backup builds on. */
function tellChains(verified: readonly VerifiedBackup[], all: readonly BackupRecord[]): void {
  // The oldest first: what is wrong with one is wrong with all that build on it.
  for (const { backup, problems } of verified) {
    const { parent } = backup;
    if (parent === null) continue;
    if (!all.some(({ id }) => id === parent))
      problems.push({ what: parent, problem: 'It builds on this, which is not there.' });
    const before = verified.find(({ backup: { id } }) => id === parent);
    if (before && before.problems.length > 0)
      problems.push({ what: parent, problem: 'It builds on this, which is damaged.' });
  }
}

/** Where a stream has stored the log, a gap is a loss: one that nobody knows of, or one that the stream has told. */
async function byStream(
  repository: Repository,
  ranges: readonly LogRange[],
  segmentBytes: number,
): Promise<{ lost: Problem[]; told: Gap[] }> {
  const stream = await repository.stream();
  const known = await repository.gaps();
  const trimmed = await repository.trimmed();
  const lost: Problem[] = [];
  const told: Gap[] = [];
  for (const range of ranges.flatMap((each) => cutAt(each, trimmed))) {
    const gap = gapOf(range, segmentBytes);
    if (isBefore(range, trimmed)) {
      told.push({ ...gap, reason: '"backup prune" has removed it' });
      continue;
    }
    const record = known.find(({ first, last }) => first <= gap.last && gap.first <= last);
    if (record) told.push({ ...gap, reason: record.reason });
    else if (
      stream &&
      gap.timeline <= stream.timeline &&
      range.from >= stream.firstLsn &&
      range.from < stream.storedLsn
    ) {
      lost.push(missingProblem(gap));
    } else told.push(gap);
  }
  return { lost, told };
}

const isBefore = ({ timeline, to }: LogRange, trimmed: TrimmedRecord | undefined): boolean =>
  trimmed !== undefined && timeline <= trimmed.timeline && to <= trimmed.beforeLsn;

/** What was removed on purpose, and what is missing behind that, are two. */
function cutAt(range: LogRange, trimmed: TrimmedRecord | undefined): LogRange[] {
  const { timeline, from, to } = range;
  const at = trimmed?.beforeLsn;
  if (at === undefined || timeline > (trimmed?.timeline ?? 0) || at <= from || at >= to) return [range];
  return [
    { timeline, from, to: at },
    { timeline, from: at, to },
  ];
}

/** Finds backups that are not complete, and what belongs to none. */
async function lookAround({ storage }: Repository, all: readonly BackupRecord[], verified: Verified): Promise<void> {
  const complete = new Set(all.map(({ id }) => id));
  const parts: string[] = [];
  for await (const { key } of storage.list(backupsPrefix)) {
    const [, id = '', file] = key.split('/');
    if (complete.has(id) && file !== undefined) continue;
    if (key === startedKey(id)) tell(verified.unfinished, id);
    else tell(parts, key);
  }
  const isUnfinished = (key: string): boolean => verified.unfinished.some((id) => key.startsWith(backupPrefix(id)));
  for (const key of parts) if (!isUnfinished(key)) tell(verified.strays, key);
}
