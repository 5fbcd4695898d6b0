import { randomBytes } from 'node:crypto';
import { access, chmod, chown, constants, mkdir, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCode } from '../../../errors.ts';
import { flushFolder } from '../flush-folder.ts';
import { isRunning } from '../is-running.ts';
import { makeFolders } from '../make-folders.ts';

/** A folder that is filled elsewhere, and then put in its place. */
export interface Placement {
  /** Where it is going to be. */
  path: string;
  /** Where it is filled. */
  staging: string;
  /** Puts it in its place, whole. */
  place(): Promise<void>;
  /** Takes back what was filled and what was placed: it is as it was before. Never throws. */
  undo(): Promise<void>;
}

type Owner = { uid: number; gid: number } | undefined;

/**
 * Makes a folder to be filled, for a path that is missing or empty: beside it, so that it is moved there in one step; or in it where it is a mount point,
 * or the folder above is not ours.
 */
export async function preparePlacement(path: string, owner: Owner): Promise<Placement> {
  await removeLeftovers(path);
  const before = await stat(path).catch(() => undefined);
  const isWithin = before !== undefined && !(await isMovable(path));
  const staging = isWithin ? join(path, stagingName('')) : join(dirname(path), stagingName(basename(path)));
  await makeFolders(dirname(staging), 0o755);
  await mkdir(staging, { mode: 0o700 });
  if (owner) await chown(staging, owner.uid, owner.gid);
  const placed: string[] = [];
  return {
    path,
    staging,
    async place() {
      if (isWithin) {
        // Without its control file nothing is taken for a data directory: that comes last.
        for (const name of (await readdir(staging)).toSorted(
          (a, b) => Number(a === 'global') - Number(b === 'global'),
        )) {
          await rename(join(staging, name), join(path, name));
          placed.push(join(path, name));
        }
        await rmdir(staging);
        await chmod(path, 0o700);
        if (owner) await chown(path, owner.uid, owner.gid);
        await flushFolder(path);
        return;
      }
      if (before) await rmdir(path);
      await rename(staging, path);
      placed.push(path);
      await flushFolder(dirname(path));
    },
    async undo() {
      for (const each of [staging, ...placed]) await rm(each, { recursive: true, force: true }).catch(() => {});
      if (!before) return;
      await mkdir(path, { mode: before.mode & 0o777 }).catch(() => {});
      await chmod(path, before.mode & 0o777).catch(() => {});
      await chown(path, before.uid, before.gid).catch(() => {});
    },
  };
}

/** Whether there is nothing in a folder, or it is missing. What killed restores have left does not count. */
export async function isVacant(path: string): Promise<boolean> {
  try {
    return (await readdir(path)).every((name) => isLeftover(name, ''));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true;
    if (errorCode(error) === 'ENOTDIR') return false;
    throw error;
  }
}

/** Removes what restores to the same place have left that were killed. */
async function removeLeftovers(path: string): Promise<void> {
  for (const [folder, name] of [
    [dirname(path), basename(path)],
    [path, ''],
  ] as const) {
    for (const entry of await readdir(folder).catch(() => [])) {
      if (isLeftover(entry, name)) await rm(join(folder, entry), { recursive: true, force: true });
    }
  }
}

/** It names the process, so that what it leaves is known as such. */
const stagingName = (name: string): string => `.${name}.restoring-${process.pid}-${randomBytes(4).toString('hex')}`;

function isLeftover(entry: string, name: string): boolean {
  const start = `.${name}.restoring-`;
  const pid = entry.startsWith(start) ? /^(\d+)-[0-9a-f]{8}$/.exec(entry.slice(start.length))?.[1] : undefined;
  return pid !== undefined && !isRunning(Number(pid));
}

async function isMovable(path: string): Promise<boolean> {
  const parent = dirname(path);
  const [own, above] = [await stat(path), await stat(parent)];
  if (own.dev !== above.dev) return false;
  return access(parent, constants.W_OK).then(
    () => true,
    () => false,
  );
}
