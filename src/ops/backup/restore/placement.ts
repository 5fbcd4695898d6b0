import {
  access,
  chmod,
  chown,
  constants,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { errorCode, PitcrewError } from '../../../errors.ts';
import { flushFolder } from '../flush-folder.ts';
import { makeFolders } from '../make-folders.ts';
import { removeLeftovers, removeMark, stagingName, writeMark } from './leftovers.ts';

/** A folder that is filled elsewhere, and then put in its place. */
export interface Placement {
  /** Where it is filled. */
  staging: string;
  /**
   * Puts it in its place, whole. What is not there in one step, or before the data directory, is marked as a part of what is filled in `owner`, the staging of the
   * data directory; its own is that itself.
   */
  place(owner: string): Promise<void>;
  /** Once everything is in its place: removes what marked it. Never throws: what stays is of no meaning. */
  settle(): Promise<void>;
  /** Puts back what was placed to where it was filled. Never throws. */
  takeBack(): Promise<void>;
  /** Removes what was filled: it is as it was before. Never throws. */
  remove(): Promise<void>;
}

type Owner = { uid: number; gid: number } | undefined;

/**
 * Makes a folder to be filled, for a path that is missing or empty: beside it, so that it is moved there in one step; or in it where it is a mount point,
 * or the folder above is not ours. What restores to the same place have left that were killed is removed.
 * @param id by which what is filled is known should this process be killed: the same for all of a restore
 */
export async function preparePlacement(given: string, id: string, owner: Owner): Promise<Placement> {
  const path = await realpath(given).catch(() => resolve(given));
  await removeLeftovers(path);
  const before = await stat(path).catch(() => undefined);
  const isWithin = before !== undefined && !(await isMovable(path));
  const staging = isWithin ? join(path, stagingName('', id)) : join(dirname(path), stagingName(basename(path), id));
  await makeFolders(dirname(staging), 0o755);
  await mkdir(staging, { mode: 0o700 });
  if (owner) await chown(staging, owner.uid, owner.gid);
  const placed: string[] = [];

  async function placeEach(of: string): Promise<void> {
    const others = (await readdir(path)).filter((name) => name !== basename(staging));
    if (others.length > 0) throw taken(path);
    // Without its control file nothing is taken for a data directory: that comes last.
    const names = (await readdir(staging)).toSorted((a, b) => Number(a === 'global') - Number(b === 'global'));
    await writeMark(path, { staging: of, entries: names });
    for (const name of names) {
      await rename(join(staging, name), join(path, name));
      placed.push(name);
    }
    await chmod(path, 0o700);
    if (owner) await chown(path, owner.uid, owner.gid);
    await flushFolder(path);
  }

  async function placeWhole(of: string): Promise<void> {
    if (of !== staging) await writeMark(staging, { staging: of, entries: await readdir(staging) });
    try {
      if (before) await rmdir(path);
      await rename(staging, path);
    } catch (error) {
      if (['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errorCode(error) ?? '')) throw taken(path, error);
      throw error;
    }
    placed.push('');
    await flushFolder(dirname(path));
  }

  return {
    staging,
    place: isWithin ? placeEach : placeWhole,
    async settle() {
      await removeMark(path).catch(() => {});
      if (isWithin) await rmdir(staging).catch(() => {});
    },
    async takeBack() {
      for (const name of placed.toReversed()) await rename(join(path, name), join(staging, name)).catch(() => {});
    },
    async remove() {
      await rm(staging, { recursive: true, force: true }).catch(() => {});
      // What could not be taken back.
      for (const name of isWithin ? placed : [])
        await rm(join(path, name), { recursive: true, force: true }).catch(() => {});
      if (isWithin) await removeMark(path).catch(() => {});
      if (!before) return;
      await mkdir(path, { mode: before.mode & 0o777 }).catch(() => {});
      await chmod(path, before.mode & 0o777).catch(() => {});
      await chown(path, before.uid, before.gid).catch(() => {});
    },
  };
}

async function isMovable(path: string): Promise<boolean> {
  const parent = dirname(path);
  const [own, above] = [await stat(path), await stat(parent)];
  if (own.dev !== above.dev || (await isMounted(path))) return false;
  return access(parent, constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** Whether a folder is mounted on it, though it be of the same device (Linux tells). */
async function isMounted(path: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  // Spaces and the like are written as octal numbers.
  const written = (text: string): string =>
    text.replaceAll(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  return mounts.split('\n').some((line) => written(line.split(' ')[4] ?? '') === path);
}

function taken(path: string, cause?: unknown): PitcrewError {
  return new PitcrewError('E_DATA_DIR', `${path} is not empty any more`, {
    detail: 'Something was put there while the restore was at work.',
    hint: 'Nothing was put in place. Give a folder that nobody else uses.',
    cause,
  });
}
