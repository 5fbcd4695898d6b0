import { access, constants, lstat, opendir, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorCode, PitcrewError } from '../../../errors.ts';
import type { Identity } from '../../embedded/index.ts';
import { placeError } from '../place-error.ts';
import type { Repository } from '../repository/index.ts';
import { segmentName } from '../wal/segments.ts';
import { crossingObstacles } from './crossing.ts';
import { inPlaceObstacles } from './in-place.ts';
import type { RestorePlan } from './plan.ts';
import { isVacant } from './leftovers.ts';
import { vacancyObstacles } from './restore-backup.ts';
import { tryRestoreCommand } from './try-restore-command.ts';

export interface PreflightOptions {
  repository: Repository;
  plan: RestorePlan;
  delta: boolean;
  /** Words of the command that fetches a file of the log. */
  restoreCommand: readonly string[];
  /** Who is to run the server; whoever runs this by default. */
  owner: Identity | undefined;
  /** What was found with the plan. */
  known: readonly PitcrewError[];
}

/**
 * Looks for what would make a restore fail, before anything of it is written: all of it at once. What the repository tells was found with the plan.
 * @returns an error for each
 */
export async function preflight(options: PreflightOptions): Promise<PitcrewError[]> {
  const { repository, plan, delta, restoreCommand } = options;
  const paths = plan.places.map(({ to }) => to);
  const isInPlace = delta && !(await isVacant(plan.to));
  const folders = isInPlace
    ? await inPlaceObstacles(plan.to, plan.backup, tablespacesOf(plan))
    : await vacancyObstacles(paths);
  return [
    ...folders,
    ...(await crossingObstacles({
      places: paths,
      repository: repository.name,
      restoreCommand: isInPlace ? restoreCommand : [],
    })),
    ...(await rightsObstacles(paths)),
    ...(await roomObstacles(plan, isInPlace)),
    ...(await commandObstacles(options)),
  ];
}

/**
 * All that was found as one error: a single one as it is, several with a line for each.
 * @returns `undefined` when nothing was found
 */
export function asOneError(obstacles: readonly PitcrewError[]): PitcrewError | undefined {
  const [first, ...others] = obstacles;
  if (!first || others.length === 0) return first;
  const lines = obstacles.map(({ message, code, detail, hint }) =>
    [
      `${message} (${code})${detail === undefined ? '' : `: ${detail.replaceAll('\n', ' ')}`}`,
      ...(hint === undefined ? [] : [`  ${hint}`]),
    ].join('\n'),
  );
  // The one that is the least safe to pass over decides.
  const [gravest = first] = obstacles.toSorted((a, b) => b.exitCode - a.exitCode);
  return new PitcrewError(gravest.code, `${obstacles.length} things speak against this restore`, {
    detail: lines.join('\n'),
    hint: 'Nothing was changed.',
  });
}

const tablespacesOf = ({ places }: RestorePlan): { oid: number; to: string }[] =>
  places.flatMap(({ tablespace, to }) => (tablespace === null ? [] : [{ oid: tablespace, to }]));

/** Whether we may write there: into a folder that is there, or into the one above it. */
async function rightsObstacles(paths: readonly string[]): Promise<PitcrewError[]> {
  const found: PitcrewError[] = [];
  for (const path of paths) {
    const folder = await existingFolder(path);
    const reasons: unknown[] = [];
    const tried = folder === path ? [path, dirname(path)] : [folder];
    for (const each of tried) {
      await access(each, constants.W_OK | constants.X_OK).catch((error: unknown) => reasons.push(error));
    }
    const wrong = reasons.length < tried.length ? undefined : placeError(reasons[0], path);
    if (wrong instanceof PitcrewError) found.push(wrong);
  }
  return found;
}

/** What is filled has to fit, on each file system; in place, what is there already makes room for it. */
async function roomObstacles({ places }: RestorePlan, isInPlace: boolean): Promise<PitcrewError[]> {
  const needs = new Map<number, { path: string; bytes: number; free: number }>();
  for (const { to, bytes } of places) {
    const path = await existingFolder(to);
    const { dev } = await stat(path);
    const { bavail, bsize } = await statfs(path);
    const there = isInPlace ? await bytesIn(to) : 0;
    const need = needs.get(dev) ?? { path: to, bytes: 0, free: bavail * bsize };
    needs.set(dev, { ...need, bytes: need.bytes + Math.max(0, bytes - there) });
  }
  return [...needs.values()].flatMap(({ path, bytes, free }) =>
    bytes <= free
      ? []
      : [
          new PitcrewError('E_DATA_DIR', `there is not enough room for ${path}`, {
            detail: `${bytes} bytes are needed, without the log; ${free} are free.`,
            hint: 'Make room, or restore to another disk; tablespaces can go elsewhere with --tablespace-map OLD=NEW.',
          }),
        ],
  );
}

async function existingFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const found = await stat(folder).catch((error: unknown) => {
      if (['ENOENT', 'ENOTDIR'].includes(errorCode(error) ?? '')) return undefined;
      throw error;
    });
    if (found || dirname(folder) === folder) return folder;
  }
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  try {
    for await (const entry of await opendir(folder)) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) bytes += await bytesIn(path);
      else if (entry.isFile()) bytes += (await lstat(path)).size;
    }
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  return bytes;
}

/** The server fetches its log by a command, as its own user: that is tried with the first segment that it will want. */
async function commandObstacles({
  repository,
  plan,
  restoreCommand,
  owner,
  known,
}: PreflightOptions): Promise<PitcrewError[]> {
  const { timeline, startLsn, segmentBytes } = plan.backup;
  const name = segmentName(timeline, startLsn, segmentBytes);
  // That it is missing, or that the key is another's, is known by now.
  if (known.some(({ code }) => code === 'E_BACKUP_KEY') || !(await repository.hasWal(name))) return [];
  const problem = await tryRestoreCommand(restoreCommand, { name, bytes: segmentBytes, owner });
  return problem ? [problem] : [];
}
