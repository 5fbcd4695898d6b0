import { realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { PitcrewError } from '../../../errors.ts';

export interface CrossingOptions {
  /** The data directory and the places of tablespaces. */
  places: readonly string[];
  /** A folder, or the name of a bucket. */
  repository: string;
  /** Words of the command that fetches the log: paths among them are needed later. Of a restore that only fills empty folders, none has to be looked at. */
  restoreCommand: readonly string[];
}

/** What speaks against folders of a restore because of where they lie, links followed, as an error for each. */
export async function crossingObstacles({
  places,
  repository,
  restoreCommand,
}: CrossingOptions): Promise<PitcrewError[]> {
  const found: PitcrewError[] = [];
  const paths: string[] = [];
  for (const place of places) paths.push(await realPlace(place));
  const kept = isAbsolute(repository) ? await realPlace(repository) : undefined;
  const needed = new Set<string>();
  for (const word of restoreCommand) if (isAbsolute(word)) needed.add(await realPlace(word));
  for (const [place, path] of paths.entries()) {
    for (const other of paths.slice(place + 1)) {
      if (isWithin(path, other) || isWithin(other, path)) found.push(crossed(path, other));
    }
    if (kept !== undefined && isWithin(path, kept)) found.push(inRepository(path, kept));
    else for (const each of needed) if (isWithin(each, path)) found.push(inPlace(each, path));
  }
  return found;
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** A path with the links in it followed, as far as it exists. */
async function realPlace(path: string): Promise<string> {
  const above = dirname(path);
  return realpath(path).catch(async () => (above === path ? path : join(await realPlace(above), basename(path))));
}

/** One folder in another would be taken for a part of it. */
function crossed(path: string, other: string): PitcrewError {
  return new PitcrewError('E_USAGE', 'two folders of the restore lie in each other', {
    detail: `${path} and ${other}`,
    hint: 'The data directory and each tablespace need a folder of their own: --tablespace-map OLD=NEW.',
  });
}

function inRepository(path: string, repository: string): PitcrewError {
  return new PitcrewError('E_USAGE', `${path} lies in the repository`, {
    detail: `The repository is ${repository}. What it does not know there may be removed.`,
    hint: 'Give a folder elsewhere.',
  });
}

function inPlace(needed: string, path: string): PitcrewError {
  return new PitcrewError('E_UNSAFE', `${needed} lies in ${path}`, {
    detail: 'It would be removed or replaced, and is needed to fetch the log.',
    hint: 'Move it elsewhere, or restore to another folder.',
  });
}
