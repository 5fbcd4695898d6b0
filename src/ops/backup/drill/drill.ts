import { statfs } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf, PitcrewError, toPitcrewError } from '../../../errors.ts';
import {
  keepScratchFolder,
  makeScratchFolder,
  type ScratchFolder,
  serverIdentity,
  sweepScratchFolders,
} from '../../embedded/index.ts';
import { type BackupRecord, readManifest, type Repository } from '../repository/index.ts';
import { keyObstacle } from '../restore/key-obstacle.ts';
import { restoreBackup } from '../restore/restore-backup.ts';
import { serverPrograms } from '../restore/server-programs.ts';
import { type Findings, findings } from './judge.ts';
import { supplyLog, type LogSupply } from './log-supply.ts';
import { type Looked, lookThrough } from './look-through.ts';
import { chooseMoment, type DrillMoment } from './moment.ts';
import type { OwnCheck } from './own-checks.ts';
import { type DrillRecord, keepDrill } from './record.ts';
import { recover, type Recovered } from './scratch-server.ts';
import { longestSocketFolder, socketFolder, writeScratchSettings } from './scratch-settings.ts';
import { whatFailed } from './what-failed.ts';

export interface DrillOptions {
  repository: Repository;
  backup: BackupRecord;
  /** Where a folder is made for it; the system's for temporary files by default. It needs room for the whole of it. */
  in?: string | undefined;
  /** Where the programs of the server's major version are; found by default. */
  binDir?: string | undefined;
  /** The end of the log by default. */
  moment?: DrillMoment;
  ownChecks?: readonly OwnCheck[];
  /** Look for every row of a table in its indexes as well. */
  deep?: boolean;
  /** So long the checks may take; an hour by default. What is not looked at by then is told. */
  checkLimitMs?: number;
  /** So long the recovery may take; a day by default. */
  recoveryLimitMs?: number;
  /** Libraries that the scratch server loads at its start; none by default. */
  preload?: readonly string[];
  /** Leaves the server running, and its files. */
  keep?: boolean;
  signal?: AbortSignal | undefined;
  onProgress?(progress: DrillProgress): void;
}

export interface DrillProgress {
  /** `restoring`: bytes; `recovering`: files of the log; `checking`: tables and indexes of a database. */
  phase: 'restoring' | 'recovering' | 'checking';
  done: number;
  total: number;
  /** The last file of the log, or the database. */
  at?: string | undefined;
}

/** A scratch server that was left running. */
export interface KeptServer {
  /** Removing it removes everything. */
  folder: string;
  socket: string;
  role: string;
  pid: number;
}

export interface Drilled {
  record: DrillRecord;
  kept: KeptServer | undefined;
  /** Why what was found could not be kept in the repository. */
  notKept: string | undefined;
}

const prefix = 'pitcrew-drill-';
const hour = 3_600_000;
const recoveringEveryMs = 500;

/**
 * Restores a backup into a scratch server, lets it recover, and looks whether everything in it can be read. What it found is kept in the repository. Everything is
 * removed afterwards; what a drill left that was killed is removed by the next one.
 * @throws {PitcrewError} when nothing can be said of the backup: `E_UNSUPPORTED` without programs of its version, `E_DATA_DIR` without room,
 * `E_BACKUP_KEY`, `E_STORAGE`, `E_ABORTED`
 */
export async function drill(options: DrillOptions): Promise<Drilled> {
  const { repository, backup, signal } = options;
  const root = options.in ?? tmpdir();
  const major = Math.floor(backup.serverVersion / 10_000);
  const identity = serverIdentity(join(root, prefix));
  const programs = await serverPrograms({ major, binDir: options.binDir, identity });
  await sweepScratchFolders(root, prefix);
  const locked = await keyObstacle(repository, await repository.chain(backup));
  if (locked) throw locked;
  const moment = await chooseMoment(repository, backup, options.moment ?? { kind: 'end' });
  const startedAt = new Date();
  const found = findings();
  const scratch = makeScratchFolder(root, prefix);
  const state: State = { fetchMs: null, checkMs: null, restoredBytes: 0, segments: 0 };
  let supply: LogSupply | undefined;
  let recovered: Recovered | undefined;
  let looked: Looked = { databases: [], checks: options.ownChecks?.length ?? 0, passed: 0 };
  let kept: KeptServer | undefined;
  const follow = setInterval(() => {
    if (supply && !recovered && state.fetchMs !== null)
      options.onProgress?.({ phase: 'recovering', done: supply.files, total: 0, at: supply.last });
  }, recoveringEveryMs);
  try {
    checkSocket(scratch);
    try {
      await requireRoom(repository, backup, root);
      supply = await supplyLog({
        repository,
        segmentBytes: backup.segmentBytes,
        folder: scratch.path,
        owner: identity,
      });
      await restoreInto(scratch, options, supply, moment.target, identity, state);
      const settings = await writeScratchSettings({
        ...options,
        folder: scratch.path,
        dataDir: scratch.dataDir,
        major,
        segmentBytes: backup.segmentBytes,
        owner: identity,
        preload: options.preload ?? [],
      });
      if (settings.leftOut.length > 0)
        found.note(`not loaded, as it may act on its own: ${settings.leftOut.join(', ')}`);
      const timeoutMs = options.recoveryLimitMs ?? 24 * hour;
      recovered = await recover({ dataDir: scratch.dataDir, programs, identity, settings, timeoutMs, signal });
    } catch (error) {
      found.problem(whatFailed(error, supply?.failure, moment.record));
    }
    state.segments = supply?.files ?? 0;
    await supply?.close();
    if (recovered) looked = await check(options, recovered, found, state, scratch, major);
    if (recovered && options.keep) kept = keep(scratch, recovered);
    const record: DrillRecord = {
      format: 1,
      backup: backup.id,
      startedAt,
      endedAt: new Date(),
      host: hostname(),
      serverVersion: recovered ? programs.version.text : null,
      proven: found.problems.length === 0,
      target: moment.record,
      reached: recovered?.reached ?? { lsn: null, at: null, timeline: null },
      ...state,
      recoveryMs: recovered?.recoveryMs ?? null,
      ...looked,
      problems: found.problems,
      notes: found.notes,
    };
    const notKept = await keepDrill(repository, record).then(
      () => undefined,
      (error: unknown) => toPitcrewError(error).message,
    );
    return { record, kept, notKept };
  } catch (error) {
    if (signal?.aborted) throw new PitcrewError('E_ABORTED', 'the drill was stopped', { cause: error });
    throw error;
  } finally {
    clearInterval(follow);
    await supply?.close().catch(() => {});
    if (kept) scratch.lock.release();
    else {
      await recovered?.server.stop('immediate');
      scratch.remove();
    }
  }
}

type State = Pick<DrillRecord, 'fetchMs' | 'checkMs' | 'restoredBytes' | 'segments'>;

async function restoreInto(
  { path, dataDir }: ScratchFolder,
  { repository, backup, signal, onProgress }: DrillOptions,
  supply: LogSupply,
  target: Parameters<typeof restoreBackup>[0]['target'] & object,
  owner: ReturnType<typeof serverIdentity>,
  state: State,
): Promise<void> {
  const began = performance.now();
  await restoreBackup({
    repository,
    backup,
    to: dataDir,
    target,
    restoreCommand: supply.command,
    tablespaceMap: new Map(backup.tablespaces.map(({ oid, location }) => [location, join(path, `tablespace-${oid}`)])),
    owner,
    signal,
    onProgress({ doneBytes, totalBytes }) {
      state.restoredBytes = doneBytes;
      onProgress?.({ phase: 'restoring', done: doneBytes, total: totalBytes });
    },
  });
  state.fetchMs = Math.round(performance.now() - began);
}

async function check(
  { ownChecks = [], deep = false, checkLimitMs = hour, signal, onProgress }: DrillOptions,
  { role }: Recovered,
  found: Findings,
  state: State,
  scratch: ScratchFolder,
  major: number,
): Promise<Looked> {
  const began = performance.now();
  const looked = await lookThrough({
    socket: socketFolder(scratch.path),
    role,
    major,
    findings: found,
    ownChecks,
    deep,
    until: Date.now() + checkLimitMs,
    signal,
    onChecking: (database, done, total) => onProgress?.({ phase: 'checking', done, total, at: database }),
  });
  state.checkMs = Math.round(performance.now() - began);
  return looked;
}

function keep(scratch: ScratchFolder, { server, role }: Recovered): KeptServer {
  keepScratchFolder(scratch);
  server.leave();
  return { folder: scratch.path, socket: socketFolder(scratch.path), role, pid: server.pid };
}

/** What recovery writes besides the files that were in the backup. */
const besidesBytes = 256 * 1024 * 1024;

/** @throws {PitcrewError} `E_DATA_DIR` when the files would not fit */
async function requireRoom(repository: Repository, backup: BackupRecord, root: string): Promise<void> {
  let neededBytes = besidesBytes;
  for (const member of await repository.chain(backup)) {
    for (const { bytes } of (await readManifest(repository, member)).files.values()) neededBytes += bytes;
  }
  const hint = 'Make room there, or give another folder with --in.';
  const { bavail, bsize } = await statfs(root).catch((error: unknown) => {
    throw new PitcrewError('E_DATA_DIR', `${root} cannot be used for a drill`, { detail: messageOf(error), hint });
  });
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  const inMb = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
  throw new PitcrewError('E_DATA_DIR', `there is not enough room for a drill in ${root}`, {
    detail: `It needs ${inMb(neededBytes)}, and ${inMb(freeBytes)} are free.`,
    hint,
  });
}

function checkSocket({ path }: ScratchFolder): void {
  if (socketFolder(path).length <= longestSocketFolder) return;
  throw new PitcrewError('E_USAGE', `the path ${path} is too long for a socket`, {
    hint: 'Give a shorter one with --in.',
  });
}
