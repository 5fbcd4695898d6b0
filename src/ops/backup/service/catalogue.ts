import { PitcrewError, toPitcrewError } from '../../../errors.ts';
import { type DrillRecord, readDrills } from '../drill/record.ts';
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
  /** Why it could not be. */
  error: PitcrewError | null;
}

/** What is in the repositories. */
export interface Catalogue {
  at: Date;
  repositories: CataloguedRepository[];
  /** Of the first repository, oldest first by the server's log; `null` when it cannot be read. */
  backups: BackupRecord[] | null;
  /** Of those that are kept whatever the retention says, by name. */
  pins: ReadonlyMap<string, PinRecord>;
  /** What restores that were to prove backups found, whoever asked for them; the oldest first. */
  drills: readonly DrillRecord[];
  reachable: Reachable | null;
}

/** A place that hangs is told as one that cannot be reached. */
const patienceMs = 60_000;

/** Looks what is there; what cannot be looked at is told in its place. */
export async function lookUp(open: () => Promise<Repository[]>, now = new Date()): Promise<Catalogue> {
  const repositories = await open();
  const looked = await Promise.all(
    repositories.map(async (repository) => {
      const { name, recipients } = repository;
      const place = { name, encrypted: recipients.length > 0 };
      try {
        const backups = await inTime(repository.backups(), name);
        return { place: { ...place, backups: backups.length, error: null }, backups };
      } catch (error) {
        return { place: { ...place, backups: null, error: toPitcrewError(error) }, backups: null };
      }
    }),
  );
  const [first] = looked;
  const [repository] = repositories;
  let reachable: Reachable | null = null;
  let pins = new Map<string, PinRecord>();
  let drills: DrillRecord[] = [];
  if (repository && first?.backups) {
    try {
      drills = await inTime(readDrills(repository), repository.name);
      pins = await inTime(readPins(repository), repository.name);
      reachable = await inTime(reachableWindows(repository, first.backups), repository.name);
    } catch (error) {
      Object.assign(first.place, { error: toPitcrewError(error) });
    }
  }
  return {
    at: now,
    repositories: looked.map(({ place }) => place),
    backups: first?.backups ?? null,
    pins,
    drills,
    reachable,
  };
}

async function inTime<Result>(work: Promise<Result>, name: string): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new PitcrewError('E_STORAGE', `${name} does not answer`, { detail: `Not within ${patienceMs / 1000} s.` }));
  }, patienceMs);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
