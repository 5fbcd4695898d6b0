import { basename, isAbsolute, resolve } from 'node:path';
import { PitcrewError } from '../../../errors.ts';
import type { BackupRecord } from '../repository/index.ts';

/** Where a tablespace is put. */
export interface TablespacePlace {
  oid: number;
  to: string;
}

/**
 * Where the tablespaces of a backup go: to where they were, or to where they are mapped.
 * @throws {PitcrewError} `E_USAGE` for a place that was none of them, and for one that is not absolute
 */
export function placesOf(
  tablespaces: BackupRecord['tablespaces'],
  map: ReadonlyMap<string, string> = new Map(),
): TablespacePlace[] {
  const places = tablespaces.map(({ oid, location }) => ({ oid, to: map.get(location) ?? location }));
  const known = tablespaces.map(({ location }) => location);
  const unknown = [...map.keys()].find((location) => !known.includes(location));
  if (unknown !== undefined) {
    throw new PitcrewError('E_USAGE', `the backup has no tablespace in ${unknown}`, {
      detail: known.length > 0 ? `It has those in ${known.join(', ')}.` : 'It has none at all.',
    });
  }
  const relative = places.find(({ to }) => !isAbsolute(to));
  if (relative) throw new PitcrewError('E_USAGE', `a tablespace needs an absolute path, not ${relative.to}`);
  return places.map(({ oid, to }) => ({ oid, to: resolve(to) }));
}

/** The server's own file for it; a backslash stands before what would end a line or word. */
export function tablespaceMapFile(places: readonly TablespacePlace[]): string {
  return places.map(({ oid, to }) => `${oid} ${to.replaceAll(/[\\\n\r]/g, String.raw`\$&`)}\n`).join('');
}

/** The places in such a file, in their order. */
export function mappedPlaces(map: string): string[] {
  return [...map.matchAll(/^\d+ ((?:\\[^]|[^\\\n\r])+)/gm)].map(([, place = '']) => place.replaceAll(/\\([^])/g, '$1'));
}

/** Of a tablespace only the folder of this major version is a data directory's: `PG_18_202506291`. */
export const isOfMajor = (path: string, serverVersion: number): boolean =>
  basename(path.split('/')[0] ?? '').startsWith(`PG_${Math.floor(serverVersion / 10_000)}_`);
