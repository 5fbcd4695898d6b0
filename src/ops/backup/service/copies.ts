import type { LatestRuns } from '../../store/index.ts';
import { newerThan } from '../mirror/mirror.ts';
import type { BackupRecord } from '../repository/index.ts';
import type { Catalogue, CataloguedRepository } from './catalogue.ts';
import type { RunningBackup } from './types.ts';

/** How far a copy is behind the first repository. */
export interface Behind {
  /** So many backups the next copy has to bring. */
  backups: number;
  /** When the oldest of them was made: what is older is there, or was removed there. */
  since: Date;
  /** Nothing was ever copied there, or nothing is left of it. */
  isEmpty: boolean;
}

/**
 * What a copy lacks.
 * @param made in the first repository
 * @param there in the copy
 * @param copying since when a run is under way that copies what it makes: that is not missing yet
 * @returns `undefined` when it lacks nothing
 */
export function behindOf(
  made: readonly BackupRecord[],
  there: readonly BackupRecord[],
  copying?: Date,
): Behind | undefined {
  const lacking = newerThan(there, made).filter(({ endedAt }) => copying === undefined || endedAt < copying);
  if (lacking.length === 0) return undefined;
  const since = Math.min(...lacking.map(({ endedAt }) => endedAt.getTime()));
  return { backups: lacking.length, since: new Date(since), isEmpty: there.length === 0 };
}

/** How far a repository of a catalogue is behind the first; `undefined` when it is not, is the first, or either could not be looked at. */
export function behindFirst(
  { backups }: Pick<Catalogue, 'backups'>,
  { records }: CataloguedRepository,
  running: RunningBackup | null,
): Behind | undefined {
  if (!backups || !records || records === backups) return undefined;
  const copying = running?.kind === 'full' || running?.kind === 'incremental' ? running.since : undefined;
  return behindOf(backups, records, copying);
}

/** Of a run that made a backup: to which repositories it could not be copied, and why. */
export interface NotCopied {
  repository: string;
  reason: string;
}

/** What the latest run that made a backup says of copies. */
export function notCopied(runs: readonly LatestRuns[]): NotCopied[] {
  const made = runs.flatMap(({ kind, lastDone }) =>
    (kind === 'full' || kind === 'incremental') && lastDone ? [lastDone] : [],
  );
  const latest = made.toSorted((a, b) => a.beganAt.getTime() - b.beganAt.getTime()).at(-1)?.report;
  const told: unknown = latest && 'notCopied' in latest ? latest.notCopied : [];
  return Array.isArray(told) ? told.filter(isNotCopied) : [];
}

const isNotCopied = (value: unknown): value is NotCopied =>
  typeof value === 'object' && value !== null && 'repository' in value && 'reason' in value;
