import { mkdir } from 'node:fs/promises';
import { PitcrewError, toPitcrewError } from '../../../errors.ts';
import type { BackupRunLine } from '../../store/index.ts';
import { createBackup } from '../create/create-backup.ts';
import { drill, type DrillProgress } from '../drill/drill.ts';
import { mirror } from '../mirror/mirror.ts';
import { mirrorPins } from '../mirror/mirror-pins.ts';
import type { BackupRecord, Repository } from '../repository/index.ts';
import { policyOf } from '../retention/policy.ts';
import { prune } from '../retention/prune.ts';
import { isWrong, verify } from '../verify/verify.ts';
import type { NotCopied } from './copies.ts';
import { readyMsOfRecord } from './facts.ts';
import type { BackupSettings, JobResult } from './types.ts';

/** What a job works with. */
export interface Workplace {
  url: string;
  settings: BackupSettings;
  /** Backups are made in the first. */
  repositories: readonly Repository[];
  madeBy: string;
  drillDir: string;
  signal: AbortSignal;
  say(level: BackupRunLine['level'], text: string): void;
  onProgress(progress: { phase: string; doneBytes: number; totalBytes: number | null }): void;
}

const phases = {
  waiting: 'waiting for a checkpoint',
  copying: 'copying',
  log: 'waiting for the last segment of the log',
};

/** Makes a backup. Instead of an incremental one a full one is made where that serves better, or where there is nothing to build on. */
export async function makeBackup(at: Workplace, wanted: 'full' | 'incremental'): Promise<JobResult> {
  const { url, settings, madeBy, signal } = at;
  const repository = firstOf(at);
  let shown = '';
  const record = await createBackup({
    url,
    repository,
    type: wanted === 'full' ? 'full' : 'auto',
    checkpoint: settings.checkpoint,
    compressAt: settings.compressAt,
    maxRateKb: settings.maxRate === undefined ? undefined : rateOf(settings.maxRate),
    madeBy,
    signal,
    onChoice: ({ type, reason }) =>
      at.say('info', `${type === 'full' ? 'A full' : 'An incremental'} backup is made: ${reason}.`),
    onProgress: ({ phase, doneBytes, totalBytes }) => {
      at.onProgress({ phase: phases[phase], doneBytes, totalBytes: totalBytes > 0 ? totalBytes : null });
      if (phase !== shown) at.say('info', `${sentence(phases[phase])} …`);
      shown = phase;
    },
  });
  for (const warning of record.warnings) at.say('warn', `Warning: ${warning}`);
  const { bytes, storedBytes } = sizesOf(record);
  at.say('info', `${record.id} is complete in ${repository.name}.`);
  return { backup: record.id, bytes, storedBytes, report: { type: record.type, notCopied: await copyToOthers(at) } };
}

/** What cannot be copied now is copied after the next backup: the backup itself is made. @returns where it could not be */
async function copyToOthers(at: Workplace): Promise<NotCopied[]> {
  const [from, ...others] = at.repositories;
  const failed: NotCopied[] = [];
  for (const to of from ? others : []) {
    try {
      const { backups, dumps } = await mirror({
        from: firstOf(at),
        to,
        signal: at.signal,
        onProgress: (progress) => at.onProgress({ ...progress, phase: `copying to ${to.name}` }),
      });
      at.say('info', `Copied ${[...backups, ...dumps].join(', ') || 'nothing, all was there'} to ${to.name}.`);
    } catch (error) {
      at.signal.throwIfAborted();
      const { message, detail } = toPitcrewError(error);
      const reason = detail ? `${message}: ${detail}` : message;
      at.say('error', `Not copied to ${to.name}: ${reason}`);
      failed.push({ repository: to.name, reason });
    }
  }
  return failed;
}

/** In kB a second, as far as the server can keep to it. */
const rateOf = (bytes: number): number => Math.min(1_048_576, Math.max(32, Math.round(bytes / 1024)));

/** Removes what the policy does not keep, in every repository. */
export async function pruneAll(at: Workplace): Promise<JobResult> {
  const { settings, repositories } = at;
  const policy = policyOf(settings);
  const report = { removed: 0, kept: 0, segments: 0, freedBytes: 0 };
  for (const repository of repositories) {
    at.onProgress({ phase: `looking through ${repository.name}`, doneBytes: 0, totalBytes: null });
    // What is pinned in the first has to hold here as well, even if the last copy has failed.
    if (repository !== repositories[0]) await mirrorPins(firstOf(at), repository);
    const { decisions, segments, freedBytes, leftovers, beyondBytes } = await prune(repository, {
      policy,
      dryRun: false,
    });
    const gone = decisions.filter(({ keep: isKept }) => !isKept);
    for (const { backup, reasons } of gone) at.say('info', `Removed ${backup.id}: ${reasons.join(', ')}.`);
    for (const id of leftovers) at.say('info', `Removed what was left of ${id}, which was never complete.`);
    if (beyondBytes !== null) at.say('warn', `What must stay in ${repository.name} takes more than maxBytes allows.`);
    report.removed += gone.length;
    report.kept += decisions.length - gone.length;
    report.segments += segments.count;
    report.freedBytes += freedBytes;
    const what = `${gone.length} of ${decisions.length} backups and ${segments.count} segments of the log`;
    const isNothing = gone.length + segments.count === 0;
    at.say(
      'info',
      isNothing ? `Nothing is too much in ${repository.name}.` : `Removed ${what} from ${repository.name}.`,
    );
  }
  return { report };
}

/** Reads what is stored and compares it with its checksums: all of it, or one backup with those that it builds on. */
export async function verifyAll(at: Workplace, id: string | undefined): Promise<JobResult> {
  const places = id === undefined ? at.repositories : [firstOf(at)];
  const bad: string[] = [];
  const report = { verified: 0, damaged: 0, gaps: 0 };
  let bytes = 0;
  for (const repository of places) {
    const found = await verify(repository, {
      backups: id === undefined ? undefined : await repository.chain(await repository.backup(id)),
      // What somebody asks for by name is read again.
      ...(id === undefined ? {} : { maxAgeMs: 0 }),
      signal: at.signal,
      onProgress: ({ phase, doneBytes, totalBytes, segments }) =>
        phase === 'backups'
          ? at.onProgress({ phase: `reading ${repository.name}`, doneBytes, totalBytes })
          : at.onProgress({ phase: `reading the log, ${segments} segments`, doneBytes: 0, totalBytes: null }),
    });
    for (const { backup, problems } of found.backups) {
      for (const { what, problem } of problems) at.say('error', `${backup.id}, ${what}: ${problem}`);
      if (problems.length === 0) at.say('info', `${backup.id} is as it was stored.`);
      else bad.push(backup.id);
      bytes += found.backups.find((each) => each.backup === backup)?.bytes ?? 0;
    }
    for (const { what, problem } of found.log.problems) at.say('error', `${what}: ${problem}`);
    for (const { first, last, segments } of found.log.gaps) {
      at.say(
        'warn',
        `${segments} segments of the log are missing, ${first} to ${last}: moments in them cannot be restored.`,
      );
    }
    if (found.notRemembered !== undefined) at.say('warn', found.notRemembered);
    bytes += found.log.bytes;
    report.verified += found.backups.length;
    report.gaps += found.log.gaps.length;
    if (isWrong(found) && bad.length === 0) bad.push('the log');
  }
  report.damaged = bad.length;
  const about = id ?? null;
  if (bad.length === 0) return { backup: about, bytes, report };
  const failure = new PitcrewError('E_BACKUP_DAMAGED', 'what is stored is not as it was', {
    detail: `Of ${report.verified} backups: ${bad.slice(0, 10).join(', ')}.`,
    hint: 'Make a full backup now; the log of this run says what is damaged.',
  });
  return { backup: about, bytes, report, failure };
}

/** Restores a backup here, to prove it: the latest full one unless another is named. */
export async function proveBackup(at: Workplace, id: string | undefined): Promise<JobResult> {
  const repository = firstOf(at);
  const backup = id === undefined ? await latestFull(repository) : await repository.backup(id);
  at.say('info', `Restoring ${backup.id} below ${at.drillDir} …`);
  // Root's server runs as another user, who must be able to pass through.
  await mkdir(at.drillDir, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
  const { record, notKept } = await drill({
    repository,
    backup,
    in: at.drillDir,
    ownChecks: at.settings.drillChecks.map((sql) => ({ sql })),
    signal: at.signal,
    onProgress: (progress) => at.onProgress(drillProgress(progress)),
  });
  const { fetchMs, recoveryMs, checkMs, restoredBytes, segments, databases, problems, notes } = record;
  for (const text of problems) at.say('error', text);
  for (const text of notes) at.say('warn', text);
  if (notKept !== undefined) at.say('warn', `What was found could not be kept in the repository: ${notKept}`);
  for (const { name, tables, rows, indexes } of databases) {
    at.say('info', `Read ${rows} rows of ${tables} tables and ${indexes} indexes of the database ${name}.`);
  }
  const readyMs = readyMsOfRecord(record);
  const report = { readyMs, fetchMs, recoveryMs, checkMs, segments, checks: record.checks, passed: record.passed };
  const result: JobResult = { backup: backup.id, bytes: restoredBytes, report };
  if (record.proven) {
    at.say('info', `${backup.id} was restored, and is as it should be.`);
    return result;
  }
  const failure = new PitcrewError('E_BACKUP_DAMAGED', `${backup.id} is not as it should be when it is restored`, {
    detail: problems.slice(0, 5).join('. '),
  });
  return { ...result, failure };
}

function drillProgress({ phase, done, total, at }: DrillProgress): Parameters<Workplace['onProgress']>[0] {
  if (phase === 'restoring') return { phase, doneBytes: done, totalBytes: total };
  const what = phase === 'recovering' ? `recovering, ${done} files of the log` : `checking ${at}, ${done} of ${total}`;
  return { phase: what, doneBytes: 0, totalBytes: null };
}

async function latestFull(repository: Repository): Promise<BackupRecord> {
  const backup = (await repository.backups()).findLast(({ type }) => type === 'full');
  if (backup) return backup;
  throw new PitcrewError('E_NOT_FOUND', 'there is no full backup to prove', { hint: 'Make one first.' });
}

function firstOf({ repositories }: Workplace): Repository {
  const [first] = repositories;
  if (first) return first;
  throw new PitcrewError('E_CONFIG', 'no repository is named');
}

/** Of all files of a backup. */
export function sizesOf({ files }: BackupRecord): { bytes: number; storedBytes: number } {
  return {
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    storedBytes: files.reduce((sum, file) => sum + file.storedBytes, 0),
  };
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
