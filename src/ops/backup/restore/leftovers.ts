import { lstat, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { errorCode } from '../../../errors.ts';
import { flushFolder } from '../flush-folder.ts';
import { controlPath } from './control-file.ts';
import { readMark } from './mark-file.ts';
import { type ProcessState, processBehind } from './restore-process.ts';
import { mappedPlaces } from './tablespaces.ts';

/**
 * In a folder that has been put in its place before the data directory: whose it is. It counts only as long as the folder in which the data directory is filled has
 * a control file, and so that has not been put in its place. Then it is removed; what is left of one that was killed after that is of no meaning.
 */
const markName = '.pitcrew-restoring';

const markSchema = z.object({
  /** Where the data directory is filled. */
  staging: z.string(),
  /** What was put there, by name: no path leads out of the folder. */
  entries: z.array(z.string().refine((name) => basename(name) === name && !/^\.{0,2}$/.test(name))),
});
type Mark = z.output<typeof markSchema>;

/** What a folder is called that is filled for a place of that name; without a name, in the place itself. */
export const stagingName = (name: string, id: string): string => `.${name}.restoring-${id}`;

/** Who fills a folder of that name. */
function fillerOf(entry: string, name: string): { pid: number; state: ProcessState } | undefined {
  const start = stagingName(name, '');
  return entry.startsWith(start) ? processBehind(entry.slice(start.length)) : undefined;
}

/** Whether there is nothing in a folder, or it is missing. What killed restores have left does not count. */
export async function isVacant(path: string): Promise<boolean> {
  try {
    const names = await readdir(path);
    const left = new Set(await leftIn(path, names));
    return names.every((name) => left.has(name));
  } catch (error) {
    if (errorCode(error) === 'ENOTDIR') return false;
    if (errorCode(error) !== 'ENOENT') throw error;
    // A link that leads nowhere is something all the same.
    return (await lstat(path).catch(() => undefined)) === undefined;
  }
}

/** The process of another restore that is at work for a place, as far as this machine can tell. */
export async function restoreAtWork(path: string): Promise<{ pid: number; state: ProcessState } | undefined> {
  const beside = await namesIn(dirname(path));
  const found = beside.map((entry) => fillerOf(entry, basename(path))).find((filler) => filler?.state === 'running');
  const within = (await namesIn(path)).map((entry) => fillerOf(entry, ''));
  return found ?? within.find((filler) => filler !== undefined && filler.state !== 'gone');
}

/** Marks what is about to be put in its place, so that it is known for a part of what is filled in `staging`. */
export async function writeMark(folder: string, mark: Mark): Promise<void> {
  await writeFile(join(folder, markName), JSON.stringify(mark), { mode: 0o644, flush: true });
  await flushFolder(folder);
}

export const removeMark = (folder: string): Promise<void> => rm(join(folder, markName), { force: true });

/** Removes what restores to a place have left that were killed, beside it and in it, and the tablespaces that they had put in their places already. */
export async function removeLeftovers(path: string): Promise<void> {
  for (const [folder, name] of [
    [dirname(path), basename(path)],
    [path, ''],
  ] as const) {
    for (const entry of await namesIn(folder)) {
      const staging = join(folder, entry);
      if (!(await isAbandoned(staging, fillerOf(entry, name)))) continue;
      // Without it, nobody would know any more what they are.
      for (const place of await placesFilledFrom(staging)) if (place !== path) await removeFilled(place, staging);
      if (folder === path) await removeFilled(path, staging);
      await rm(staging, { recursive: true, force: true });
    }
  }
  await removeFilled(path);
}

/** Of what is in a folder: names of what killed restores have left. */
async function leftIn(path: string, names: readonly string[]): Promise<string[]> {
  const left: string[] = [];
  for (const name of names) if (await isAbandoned(join(path, name), fillerOf(name, ''))) left.push(name);
  const mark = await readMark(join(path, markName), markSchema);
  if (!mark || !isGone(mark)) return left;
  return [...left, markName, ...((await counts(mark)) ? mark.entries : [])];
}

/** Removes what a killed restore has put into a place, if what is there is of one; only of the one that filled `staging`, where that is given. */
async function removeFilled(path: string, staging?: string): Promise<void> {
  const mark = await readMark(join(path, markName), markSchema);
  if (!mark || !isGone(mark) || (staging !== undefined && mark.staging !== staging)) return;
  const isLeft = await counts(mark);
  for (const name of isLeft ? mark.entries : []) await rm(join(path, name), { recursive: true, force: true });
  // The last one: until then it is known what the others are.
  await removeMark(path);
}

const isGone = ({ staging }: Mark): boolean => stagingFiller(staging)?.state === 'gone';

/** Whether the data directory is still where it was filled, and nobody has used it there. */
const counts = async ({ staging }: Mark): Promise<boolean> =>
  (await isAbandoned(staging, stagingFiller(staging))) && (await exists(join(staging, controlPath)));

/** By its name alone, whatever place it was filled for. */
function stagingFiller(staging: string): { pid: number; state: ProcessState } | undefined {
  const [, id = ''] = /^\..*\.restoring-([^/]*)$/.exec(basename(staging)) ?? [];
  return processBehind(id);
}

/** Whether a folder was being filled by a process that is gone. One in which a server was started since is that server's. */
async function isAbandoned(staging: string, filler: { state: ProcessState } | undefined): Promise<boolean> {
  if (filler?.state !== 'gone') return false;
  return !(await exists(join(staging, 'postmaster.opts'))) && !(await exists(join(staging, 'postmaster.pid')));
}

/** Where the tablespaces of a data directory go that is complete, and not in its place yet. */
async function placesFilledFrom(staging: string): Promise<string[]> {
  return mappedPlaces(await readFile(join(staging, 'tablespace_map'), 'utf8').catch(() => ''));
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );
