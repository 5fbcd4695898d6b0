import { createHash } from 'node:crypto';
import { type PitcrewError, toPitcrewError } from '../../../errors.ts';
import { type BackupRecord, type Repository, requireRecords } from '../repository/index.ts';
import { segmentName } from '../wal/segments.ts';
import { keyObstacle } from './key-obstacle.ts';
import { type LogPlan, planLog } from './log-plan.ts';
import { withFiles } from './of-log.ts';
import type { RecoveryTarget } from './target.ts';
import { placesOf, type TablespacePlace } from './tablespaces.ts';
import { prefixOf, type WantedFile, wantedFiles } from './wanted-files.ts';

export interface PlanOptions {
  repository: Repository;
  backup: BackupRecord;
  to: string;
  target?: RecoveryTarget;
  tablespaceMap?: ReadonlyMap<string, string>;
}

/** What a restore would do. */
export interface RestorePlan {
  backup: BackupRecord;
  to: string;
  target: RecoveryTarget;
  /** What is read, the full backup first: sizes as stored and unpacked. */
  chain: { id: string; type: BackupRecord['type']; storedBytes: number; bytes: number }[];
  /** Backups of whose records it is not known whether they are what was stored: their checksums are missing. */
  uncheckedRecords: string[];
  storedBytes: number;
  bytes: number;
  /** Folders that are filled, the data directory first; with the bytes that they have in them at most. */
  places: { tablespace: number | null; from: string | null; to: string; bytes: number }[];
  /** Whether the server's settings are in the backup: Debian keeps them outside of the data directory. */
  hasSettings: boolean;
  /** Whether the server has subscriptions, or had some of late: open, it connects to their publishers. */
  maySubscribe: boolean;
  log: LogPlan;
  /** How long reading takes, by what was measured; `null` where nothing could be read. Log is not in it: how long its replay takes depends on what is in it. */
  expected: { ms: number; bytesPerSecond: number } | null;
}

/**
 * Looks what a restore would do; nothing is written.
 * @returns the plan, and what speaks against it as far as the repository tells
 * @throws {PitcrewError} `E_NOT_FOUND`, `E_STORAGE`; `E_BACKUP_DAMAGED` when a member of the chain or its manifest is missing or damaged; `E_USAGE` for a tablespace
 * that there is none of
 */
export async function planRestore(options: PlanOptions): Promise<{ plan: RestorePlan; obstacles: PitcrewError[] }> {
  const { repository, to, tablespaceMap } = options;
  const uncheckedRecords = await requireRecords(repository, await repository.chain(options.backup));
  const { backup, target } = await withFiles(repository, options.backup, options.target);
  const chain = await repository.chain(backup);
  const tablespaces = placesOf(backup.tablespaces, tablespaceMap);
  const members = chain.map(({ id, type, files }) => ({
    id,
    type,
    storedBytes: files.reduce((sum, file) => sum + file.storedBytes, 0),
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
  }));
  const bytes = members.reduce((sum, member) => sum + member.bytes, 0);
  const wanted = await wantedFiles(repository, chain);
  const { log, obstacles } = await planLog(repository, backup, target);
  const locked = await keyObstacle(repository, chain, segmentsToTry(backup, log));
  // Where the key of the timelines' histories is known to be another's, that is no news.
  const others = obstacles.filter(({ code }) => !locked || code !== 'E_BACKUP_KEY');
  const found = locked ? [...others, locked] : others;
  const sample = locked
    ? undefined
    : await measure(repository, chain).catch((error: unknown) => {
        found.push(toPitcrewError(error));
        return undefined;
      });
  return {
    plan: {
      backup,
      to,
      target,
      chain: members,
      uncheckedRecords,
      storedBytes: members.reduce((sum, member) => sum + member.storedBytes, 0),
      bytes,
      places: placesWithSizes(wanted, backup, to, tablespaces),
      hasSettings: wanted.has('postgresql.conf'),
      maySubscribe: (wanted.get(subscriptionsPath)?.mostBytes ?? 0) > 0,
      log,
      expected: sample === undefined ? null : { ms: (bytes / sample) * 1000, bytesPerSecond: Math.round(sample) },
    },
    obstacles: found,
  };
}

/** The file of `pg_subscription`, unless that was rewritten by VACUUM FULL. */
const subscriptionsPath = 'global/6100';

/** The first segment that is read, and the last: keys that were changed meanwhile are those of one of them. */
function segmentsToTry({ timeline, startLsn, segmentBytes }: BackupRecord, { latest }: LogPlan): string[] {
  const first = segmentName(timeline, startLsn, segmentBytes);
  if (!latest) return [first];
  return [...new Set([first, segmentName(latest.timeline, latest.lsn - 1n, segmentBytes)])];
}

function placesWithSizes(
  wanted: ReadonlyMap<string, WantedFile>,
  backup: BackupRecord,
  to: string,
  tablespaces: readonly TablespacePlace[],
): RestorePlan['places'] {
  const sizes = new Map<string, number>();
  for (const [path, { mostBytes }] of wanted) {
    const prefix = prefixOf(path);
    sizes.set(prefix, (sizes.get(prefix) ?? 0) + mostBytes);
  }
  return [
    { tablespace: null, from: null, to, bytes: sizes.get('') ?? 0 },
    ...tablespaces.map(({ oid, to: place }) => ({
      tablespace: oid,
      from: backup.tablespaces.find((each) => each.oid === oid)?.location ?? null,
      to: place,
      bytes: sizes.get(`pg_tblspc/${oid}/`) ?? 0,
    })),
  ];
}

/** So long is read, and so much, to see how fast that is. */
const sampleMs = 500;
const sampleBytes = 64 * 1024 * 1024;

/**
 * Reads the beginning of each archive, which needs the right key, and of the largest as much as half a second allows, with its checksum.
 * @returns bytes a second, unpacked
 */
async function measure(repository: Repository, chain: readonly BackupRecord[]): Promise<number | undefined> {
  const archives = chain.flatMap(({ files }) => files.filter(({ name }) => name.endsWith('.tar')));
  const [largest, ...others] = archives.toSorted((a, b) => b.bytes - a.bytes);
  for (const file of others) for await (const piece of repository.readFile(file)) if (piece.length > 0) break;
  if (!largest) return undefined;
  const hash = createHash('sha256');
  let began: number | undefined;
  let bytes = 0;
  for await (const piece of repository.readFile(largest)) {
    hash.update(piece);
    // What comes first has to wait for a connection, and for the stretching of a passphrase.
    if (began === undefined) began = performance.now();
    else bytes += piece.length;
    if (bytes >= sampleBytes || performance.now() - began > sampleMs) break;
  }
  return began === undefined || bytes === 0 ? undefined : (bytes / (performance.now() - began)) * 1000;
}
