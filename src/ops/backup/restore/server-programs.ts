import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, PitcrewError } from '../../../errors.ts';
import { cacheDir, embeddedBinaries, type Identity, type Programs, usablePrograms } from '../../embedded/index.ts';

export interface ProgramsOptions {
  /** Major version of the server whose files are to be run. */
  major: number;
  /** Folder with `postgres`; else it is looked for where Debian and Red Hat put it, and among what npm installed. */
  binDir?: string | undefined;
  /** Who runs them. */
  identity: Identity | undefined;
}

/**
 * The programs of the right PostgreSQL: a data directory can only be used by the major version that made it.
 * @throws {PitcrewError} `E_UNSUPPORTED` when there are none of that version; `E_EMBEDDED` when they cannot be run
 */
export async function serverPrograms({ major, binDir, identity }: ProgramsOptions): Promise<Programs> {
  const seen: string[] = [];
  for (const folder of binDir === undefined ? usualFolders(major) : [binDir]) {
    const programs = await usablePrograms({ binDir: folder }, identity, cacheDir());
    if (programs.version.major === major) return programs;
    seen.push(`${programs.version.text} in ${folder}`);
  }
  throw new PitcrewError('E_UNSUPPORTED', `there is no PostgreSQL ${major} to start`, {
    detail: seen.length > 0 ? `There is ${seen.join(', and ')}.` : `None was found in the usual places.`,
    hint: `Install PostgreSQL ${major}, or say where its programs are: --bin FOLDER.`,
  });
}

function usualFolders(major: number): string[] {
  const installed = [`/usr/lib/postgresql/${major}/bin`, `/usr/pgsql-${major}/bin`];
  return [...installed.filter((folder) => existsSync(join(folder, 'postgres'))), ...fromNpm()];
}

function fromNpm(): string[] {
  try {
    return [embeddedBinaries().binDir];
  } catch (error) {
    if (error instanceof PitcrewError && error.code === 'E_MISSING_PACKAGE') return [];
    throw new PitcrewError('E_INTERNAL', 'the installed packages cannot be looked at', { detail: messageOf(error) });
  }
}
