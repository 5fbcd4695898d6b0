import { type PitcrewError, toPitcrewError } from '../../../errors.ts';
import { type DrillRecord, readDrills } from '../drill/record.ts';
import { inTime } from '../in-time.ts';
import type { BackupRecord, PinRecord, Repository } from '../repository/index.ts';
import { readPins } from '../retention/pins.ts';
import { type Reachable, reachableWindows } from '../wal/windows.ts';

/** A place where backups are, as last looked at. */
export interface CataloguedRepository {
  /** What people call it; no secrets. */
  name: string;
  encrypted: boolean;
  /** `null` when it could not be looked at. */
  backups: number | null;
  /** Those, oldest first by the server's log. */
  records: readonly BackupRecord[] | null;
  /** Why it could not be. */
  error: PitcrewError | null;
}

/** What is in the repositories. */
export interface Catalogue {
  at: Date;
  repositories: CataloguedRepository[];
  /** Of the first repository, oldest first by the server's log; `null` when it cannot be read. */
  backups: readonly BackupRecord[] | null;
  /** Of those that are kept whatever the retention says, by name. */
  pins: ReadonlyMap<string, PinRecord>;
  /** What restores that were to prove backups found, whoever asked for them; the oldest first. */
  drills: readonly DrillRecord[];
  reachable: Reachable | null;
}

const patienceMs = 60_000;

/** Looks what is there; what cannot be looked at is told in its place. */
export async function lookUp(open: () => Promise<Repository[]>, now = new Date()): Promise<Catalogue> {
  const repositories = await open();
  const looked = await Promise.all(
    repositories.map(async (repository): Promise<CataloguedRepository> => {
      const { name, recipients } = repository;
      const place = { name, encrypted: recipients.length > 0 };
      try {
        const backups = await inTime(repository.backups(), name, patienceMs);
        return { ...place, backups: backups.length, records: backups, error: null };
      } catch (error) {
        return { ...place, backups: null, records: null, error: toPitcrewError(error) };
      }
    }),
  );
  const [first] = looked;
  const [repository] = repositories;
  let reachable: Reachable | null = null;
  let pins = new Map<string, PinRecord>();
  let drills: DrillRecord[] = [];
  if (repository && first?.records) {
    try {
      drills = await inTime(readDrills(repository), repository.name, patienceMs);
      pins = await inTime(readPins(repository), repository.name, patienceMs);
      reachable = await inTime(reachableWindows(repository, first.records), repository.name, patienceMs);
    } catch (error) {
      Object.assign(first, { error: toPitcrewError(error) });
    }
  }
  return {
    at: now,
    repositories: looked,
    backups: first?.records ?? null,
    pins,
    drills,
    reachable,
  };
}
