import { mkdir, readdir, readFile, readlink, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errorCode, PitcrewError } from '../../../errors.ts';
import { flushFolder } from '../flush-folder.ts';
import type { BackupRecord } from '../repository/index.ts';
import { controlPath, readControlFile } from './control-file.ts';
import { readMark } from './mark-file.ts';
import { isVacant } from './leftovers.ts';
import { newProcessId, processBehind } from './restore-process.ts';
import { processIn } from './running.ts';
import { mappedPlaces, type TablespacePlace } from './tablespaces.ts';

/** While a data directory is being changed: the control file that it had, without which PostgreSQL refuses to start. */
const controlBefore = `${controlPath}.before`;
/** And the one that it gets. */
const controlAfter = `${controlPath}.restored`;
/** Who changes it, and which places of tablespaces are its own. */
const markName = 'pitcrew-restore.json';

/** What a restore in place needs on the way, and is no part of what is restored. */
export const ownFiles: readonly string[] = [controlBefore, markName];

/** Where files go until everything else is in its place. */
export const heldFiles: ReadonlyMap<string, string> = new Map([[controlPath, controlAfter]]);

const markSchema = z.object({
  /** Id of the process. */
  by: z.string(),
  tablespaces: z.array(z.string()),
});
type Mark = z.output<typeof markSchema>;

/**
 * What speaks against changing a data directory into that of a backup, as an error for each.
 * @param to an existing folder with something in it
 */
export async function inPlaceObstacles(
  to: string,
  backup: BackupRecord,
  tablespaces: readonly TablespacePlace[],
): Promise<PitcrewError[]> {
  const found: PitcrewError[] = [];
  const control = (await readControlFile(to)) ?? (await readControlFile(to, controlBefore));
  if (!control) {
    return [
      new PitcrewError('E_DATA_DIR', `${to} is no data directory of PostgreSQL`, {
        detail: `It has no ${controlPath}.`,
        hint: 'Without --delta, restore to a folder that does not exist yet.',
      }),
    ];
  }
  if (control.systemId !== backup.systemId) {
    found.push(
      new PitcrewError('E_UNSAFE', `${to} is of another cluster`, {
        detail: `It is of ${control.systemId}; the backup is of ${backup.systemId}.`,
        hint: 'Nothing of it could be used. Give the folder of the same cluster, or a new one without --delta.',
      }),
    );
  }
  const pid = await processIn(to);
  if (pid !== undefined) {
    found.push(
      new PitcrewError('E_UNSAFE', `a server is running in ${to}`, {
        detail: `Process ${pid} works there.`,
        hint: 'Stop it first.',
      }),
    );
  }
  const mark = await readMark(join(to, markName), markSchema);
  const other = mark && processBehind(mark.by);
  // Of our own it is an attempt that failed.
  if (other && other.state !== 'gone' && !(other.state === 'running' && other.pid === process.pid)) {
    const isElsewhere = other.state === 'elsewhere';
    found.push(
      new PitcrewError('E_CONFLICT', `another restore is at work in ${to}`, {
        detail: `It is process ${other.pid}${isElsewhere ? ' of another machine' : ''}.`,
        hint: isElsewhere
          ? `Let it end, or stop it. Where it is not at work any more, remove ${join(to, markName)}.`
          : 'Let it end, or stop it.',
      }),
    );
  }
  const own = await ownPlaces(to, mark);
  for (const { to: place } of tablespaces) {
    if (own.has(await realpath(place).catch(() => place)) || (await isVacant(place))) continue;
    found.push(
      new PitcrewError('E_UNSAFE', `${place} is not a tablespace of ${to}`, {
        detail: 'There is something in it, and no link of the data directory leads there.',
        hint: 'It may be in use by another server. Map the tablespace to where this data directory has it, or to a new folder: --tablespace-map OLD=NEW.',
      }),
    );
  }
  return found;
}

/** Marks a data directory as being changed: from here on PostgreSQL refuses to start it, until `release`. */
export async function takeInPlace(to: string, tablespaces: readonly TablespacePlace[]): Promise<void> {
  const own = await ownPlaces(to, await readMark(join(to, markName), markSchema));
  const mark: Mark = { by: newProcessId(), tablespaces: [...own, ...tablespaces.map(({ to: place }) => place)] };
  const part = join(to, `${markName}.${process.pid}`);
  await writeFile(part, JSON.stringify(mark), { mode: 0o600, flush: true });
  await rename(part, join(to, markName));
  await flushFolder(to);
  try {
    await rename(join(to, controlPath), join(to, controlBefore));
  } catch (error) {
    // One that was killed had done it.
    if (errorCode(error) !== 'ENOENT') throw error;
  }
  await flushFolder(join(to, 'global'));
}

/** Gives a data directory back, complete: PostgreSQL starts it from now on. */
export async function releaseInPlace(to: string): Promise<void> {
  await rename(join(to, controlAfter), join(to, controlPath));
  await flushFolder(join(to, 'global'));
  for (const name of ownFiles) await rm(join(to, name), { force: true });
  await flushFolder(to);
}

/** Links to tablespaces that the backup does not have; the others PostgreSQL makes anew when it starts. */
export async function removeSpareLinks(to: string, tablespaces: readonly TablespacePlace[]): Promise<void> {
  const folder = join(to, 'pg_tblspc');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder)) {
    if (!tablespaces.some(({ oid }) => String(oid) === name)) await rm(join(folder, name), { recursive: true });
  }
}

/** Real paths of the places that are this data directory's own: where its links lead, and where a restore has put them that was not started yet. */
async function ownPlaces(to: string, mark: Mark | undefined): Promise<Set<string>> {
  const links = join(to, 'pg_tblspc');
  const places = [...(mark?.tablespaces ?? [])];
  for (const name of await readdir(links).catch(() => [])) {
    const place = await readlink(join(links, name)).catch(() => undefined);
    if (place !== undefined) places.push(place);
  }
  places.push(...mappedPlaces(await readFile(join(to, 'tablespace_map'), 'utf8').catch(() => '')));
  return new Set(await Promise.all(places.map(async (place) => realpath(place).catch(() => place))));
}
