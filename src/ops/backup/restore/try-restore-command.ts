import { execFile } from 'node:child_process';
import { chown, lstat, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf, PitcrewError } from '../../../errors.ts';
import { type Identity, spawnAs } from '../../embedded/index.ts';

/** A segment comes from far away at times. */
const longestMs = 120_000;
const run = promisify(execFile);

/**
 * Fetches a segment by the command that PostgreSQL will run, as the user who will run it, into a folder that is removed again: a repository, a key or a
 * program that this user cannot read is told here, and not in the middle of recovery.
 */
export async function tryRestoreCommand(
  [program = '', ...words]: readonly string[],
  { name, bytes, owner }: { name: string; bytes: number; owner: Identity | undefined },
): Promise<PitcrewError | undefined> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'pitcrew-fetch-'));
  try {
    if (owner) await chown(folder, owner.uid, owner.gid);
    const path = join(folder, name);
    await run(program, [...words, name, path], { ...spawnAs(owner), timeout: longestMs, maxBuffer: 1024 * 1024 });
    const { size } = await lstat(path);
    if (size === bytes) return undefined;
    return failed(owner, `It put ${size} bytes there for ${name}, and a segment has ${bytes}.`);
  } catch (error) {
    return failed(owner, reasonOf(error));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the command said, or why there is none. */
function reasonOf(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  return said === '' ? messageOf(error) : said.split('\n').slice(-4).join('\n');
}

function failed(owner: Identity | undefined, detail: string): PitcrewError {
  const user = owner?.name ?? 'this user';
  return new PitcrewError('E_DATA_DIR', `${user} cannot fetch the log`, {
    detail,
    hint: `The server will run as ${user}, who has to be able to read the repository and the file with the key, and to run this program.`,
  });
}
