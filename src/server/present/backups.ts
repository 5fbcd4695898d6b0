import { lsnText } from '../../engine/postgres/replication/index.ts';
import type { PitcrewError } from '../../errors.ts';
import {
  type BackupRecord,
  type Behind,
  behindFirst,
  type BackupService,
  type Catalogue,
  type DrillRecord,
  type KeptLog,
  type Reachable,
  readyMsOf,
  readyMsOfRecord,
  sizesOf,
} from '../../ops/backup/index.ts';
import type { BackupRun as StoredRun, BackupRunLine } from '../../ops/store/index.ts';
import type {
  Backup,
  BackupDetail,
  BackupList,
  BackupRun,
  BackupRunDetail,
  BackupService as PresentedService,
} from '../api/backups.ts';
import { iso } from './values.ts';

/** More are not listed: nobody keeps so many. */
const mostBackups = 1000;

export function presentRun(run: StoredRun): BackupRun {
  const { beganAt, endedAt, dueAt, error, bytes, report, state, trigger } = run;
  const tookMs = endedAt === null ? null : endedAt.getTime() - beganAt.getTime();
  const { id, kind, askedBy, attempt, repository, backup, storedBytes } = run;
  return {
    id,
    kind,
    trigger,
    askedBy,
    attempt,
    dueAt: iso(dueAt),
    repository,
    beganAt: beganAt.toISOString(),
    endedAt: iso(endedAt),
    state,
    backup,
    bytes,
    storedBytes,
    bytesPerSecond: bytes !== null && tookMs !== null && tookMs > 0 ? (bytes / tookMs) * 1000 : null,
    readyMs: readyMsOf(report),
    report: report as Record<string, unknown> | null,
    error: error && { code: error.code, message: error.message, detail: error.detail, hint: error.hint },
    willRetry: state === 'failed' && trigger === 'schedule' && error?.passes === true,
  };
}

export function presentRunDetail(database: string, run: StoredRun, lines: readonly BackupRunLine[]): BackupRunDetail {
  return {
    database,
    ...presentRun(run),
    lines: lines.map(({ at, level, text }) => ({ at: at.toISOString(), level, text })),
  };
}

export function presentService(service: BackupService): PresentedService {
  const { elsewhere, running, next, unprovable } = service.status();
  return {
    elsewhere,
    running: running && { ...running, since: running.since.toISOString() },
    next: { full: iso(next.full), incremental: iso(next.incremental), verify: iso(next.verify) },
    unprovable,
  };
}

/** What is known of drills: by the repository, and by the store the latest run of each backup. */
export interface KnownDrills {
  records: readonly DrillRecord[];
  runs: readonly StoredRun[];
}

function presentBackup(record: BackupRecord, pinned: boolean, drills: KnownDrills): Backup {
  const { id, type, parent, startedAt, endedAt, recipients, warnings } = record;
  const drill = drills.runs.find(({ backup }) => backup === id);
  return {
    id,
    type,
    parent,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt.toISOString(),
    ...sizesOf(record),
    encrypted: recipients.length > 0,
    pinned,
    proven: presentProof(
      drills.records.findLast(({ backup }) => backup === id),
      drill,
    ),
    warnings: [...warnings],
  };
}

function presentProof(record: DrillRecord | undefined, run: StoredRun | undefined): Backup['proven'] {
  if (record) {
    const { endedAt, proven: ok } = record;
    return { at: endedAt.toISOString(), ok, readyMs: readyMsOfRecord(record), run: run?.id ?? null };
  }
  if (!run) return null;
  const at = (run.endedAt ?? run.beganAt).toISOString();
  return { at, ok: run.state === 'done', readyMs: readyMsOf(run.report), run: run.id };
}

export function presentBackupDetail(
  database: string,
  chain: readonly BackupRecord[],
  record: BackupRecord,
  pinned: boolean,
  drills: KnownDrills,
): BackupDetail {
  const { serverVersion, systemId, timeline, startLsn, endLsn, tablespaces, recipients, madeBy, files } = record;
  return {
    database,
    ...presentBackup(record, pinned, drills),
    chain: chain.map(({ id }) => id),
    server: { version: serverVersion, systemId, timeline },
    startLsn: lsnText(startLsn),
    endLsn: lsnText(endLsn),
    tablespaces: tablespaces.map(({ location }) => location),
    recipients: [...recipients],
    madeBy,
    files: files.map(({ name, bytes, storedBytes, sha256 }) => ({ name, bytes, storedBytes, sha256 })),
  };
}

export function presentWindows(reachable: Reachable | null): BackupList['windows'] {
  return (reachable?.windows ?? []).map(({ from, to, backups }) => ({
    from: presentMoment(from),
    to: presentMoment(to),
    backups: [...backups],
  }));
}

/** What the page shows of a server whose backups are looked after. */
export function presentBackups(
  service: BackupService,
  catalogue: Catalogue,
  runs: { latest: readonly StoredRun[]; drills: readonly StoredRun[] },
): Omit<BackupList, 'database' | 'actionsEnabled'> {
  const { at, repositories, backups, pins, drills, reachable } = catalogue;
  const { settings } = service;
  const { full, incremental, verify, timeZone, drill, stream, keep } = settings;
  const { last, daily, weekly, monthly, yearly } = keep;
  const sum = (backups ?? []).reduce((bytes, record) => bytes + sizesOf(record).storedBytes, 0);
  return {
    configured: true,
    service: presentService(service),
    schedule: {
      full: full ?? null,
      incremental: incremental ?? null,
      verify: verify ?? null,
      timeZone,
      drill,
      stream,
      keep: { last, daily, weekly, monthly, yearly },
    },
    at: at.toISOString(),
    repositories: repositories.map((place, index) => ({
      name: place.name,
      encrypted: place.encrypted,
      backups: place.backups,
      behind: presentBehind(behindFirst(catalogue, place, service.status().running)),
      flags: flagsOf(settings.repositories[index]),
      error: presentFailure(place.error),
    })),
    count: backups?.length ?? 0,
    storedBytes: backups && sum,
    logBytes: reachable?.log.storedBytes ?? null,
    backups: (backups ?? [])
      .toReversed()
      .slice(0, mostBackups)
      .map((record) => presentBackup(record, pins.has(record.id), { records: drills, runs: runs.drills })),
    windows: presentWindows(reachable),
    stream: presentStream(service.status().log),
    latest: runs.latest.map(presentRun),
  };
}

const presentBehind = (behind: Behind | undefined): BackupList['repositories'][number]['behind'] =>
  behind ? { backups: behind.backups, since: behind.since.toISOString() } : null;

/** As `pitcrew restore` takes them. */
function flagsOf(settings: BackupService['settings']['repositories'][number] | undefined): string[] {
  if (!settings) return [];
  const { location, identityFile, passphraseFile, s3 } = settings;
  const bucket = [
    '--s3-region',
    s3.region,
    ...(s3.endpoint === undefined ? [] : ['--s3-endpoint', s3.endpoint]),
    ...(s3.pathStyle ? ['--s3-path-style'] : []),
  ];
  return [
    '--repository',
    location,
    ...(location.startsWith('s3://') ? bucket : []),
    ...(identityFile === undefined ? [] : ['--identity', identityFile]),
    ...(passphraseFile === undefined ? [] : ['--passphrase-file', passphraseFile]),
  ];
}

function presentStream(log: KeptLog | null): BackupList['stream'] {
  if (!log) return null;
  const { since, state } = log;
  const { phase, slot, serverLsn, retainedBytes, bytesPerSecond, repositories, gaps, error } = state;
  return {
    state: phase,
    since: since.toISOString(),
    slot,
    serverLsn,
    retainedBytes,
    bytesPerSecond,
    error: error && presentFault(error),
    gaps: gaps.map(({ repository, first, last, segments, reason }) => ({ repository, first, last, segments, reason })),
    repositories: repositories.map((each) => ({
      name: each.name,
      phase: each.phase,
      storedLsn: each.storedLsn,
      storedAt: each.storedAt,
      lagBytes: each.lagBytes,
      lagMs: each.lagMs,
      error: each.error && presentFault(each.error),
    })),
  };
}

function presentMoment({ at, lsn, timeline }: Reachable['windows'][number]['from']) {
  return { at: at.toISOString(), lsn: lsnText(lsn), timeline };
}

const presentFailure = (error: PitcrewError | null): BackupRun['error'] => error && presentFault(error);

function presentFault(fault: {
  code: string;
  message: string;
  detail?: string | undefined;
  hint?: string | undefined;
}): NonNullable<BackupRun['error']> {
  return { code: fault.code, message: fault.message, detail: fault.detail ?? null, hint: fault.hint ?? null };
}
