import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, chown, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';
import { PitcrewError } from '../../../errors.ts';
import type { ManifestFile } from '../repository/index.ts';
import { applyIncremental, changedPath } from './incremental-file.ts';

export interface UnpackOptions {
  /** Below which everything goes. */
  into: string;
  /** Where that is in the manifest: empty, or `pg_tblspc/16400/`. */
  prefix: string;
  /** The files of the backup before are there: those of an incremental one replace or change them. */
  over?: { blockBytes: number } | undefined;
  /** Who is to own the files; whoever runs this by default. */
  owner?: { uid: number; gid: number } | undefined;
  /** A piece of a file has been written. */
  onBytes?(bytes: number): void;
}

export interface Unpacked {
  /** Each file with what was found in it, by its path in the manifest. */
  files: Map<string, ManifestFile>;
  /** Below the folder: what is there of files and folders when this backup is whole. */
  paths: Set<string>;
}

/**
 * Unpacks a tar file of PostgreSQL's. Nothing is written outside of the folder, through a link, or over something that is there and was not
 * unpacked before.
 * @throws {PitcrewError} `E_BACKUP_DAMAGED` for an archive that has something else in it; what reading throws, and what the file system says
 */
export async function unpack(
  source: AsyncIterable<Buffer>,
  { into, prefix, over, owner, onBytes }: UnpackOptions,
): Promise<Unpacked> {
  const files = new Map<string, ManifestFile>();
  const paths = new Set<string>();
  const own = async (path: string): Promise<void> => {
    if (owner) await chown(path, owner.uid, owner.gid);
  };
  const archive = tar.extract();
  const reading = Readable.from(source);
  // Whoever reads the entries is told, with the reason.
  let failure: unknown;
  reading.on('error', (error) => {
    failure = error;
    archive.destroy(error);
  });
  reading.pipe(archive);
  try {
    for await (const entry of archive) {
      const { name, type, size = 0, mode } = entry.header;
      const path = name.replace(/\/$/, '').replace(/^\.\//, '');
      checkPath(path, name);
      const changed = over && changedPath(path);
      const target = join(into, changed ?? path);
      paths.add(changed ?? path);
      if (type === 'directory') {
        await mkdir(target, { recursive: true, mode: 0o700 });
        await own(target);
        entry.resume();
      } else if (type === 'file') {
        await mkdir(dirname(target), { recursive: true, mode: 0o700 });
        const hash = createHash('sha256');
        let bytes = 0;
        // Read by iterating: an entry whose archive breaks off ends a pipeline neither well nor badly.
        const content = async function* (): AsyncGenerator<Buffer> {
          for await (const piece of entry as AsyncIterable<Buffer>) {
            hash.update(piece);
            bytes += piece.length;
            onBytes?.(piece.length);
            yield piece;
          }
        };
        if (over && changed !== undefined) {
          await applyIncremental(content(), target, { ...over, name: path });
        } else {
          if (over) await rm(target, { force: true });
          // Exclusive: neither a file nor a link that is there is written to.
          await pipeline(content, createWriteStream(target, { flags: 'wx', mode: 0o600, flush: true }));
        }
        await chmod(target, (mode ?? 0o600) & 0o700);
        await own(target);
        if (bytes !== size) throw damaged(`${path} has ${bytes} of ${size} bytes.`);
        files.set(prefix + path, { bytes, sha256: hash.digest('hex') });
      } else {
        throw damaged(`It has a ${type ?? 'thing of no known kind'} in it: ${JSON.stringify(name)}.`);
      }
    }
  } catch (error) {
    throw failure ?? error;
  } finally {
    reading.destroy();
  }
  return { files, paths };
}

function checkPath(path: string, name: string): void {
  const parts = path.split('/');
  const isInside = path === '.' || (path !== '' && parts.every((part) => part !== '' && part !== '.' && part !== '..'));
  if (!isInside || path.includes('\0'))
    throw damaged(`It has a path in it that leads elsewhere: ${JSON.stringify(name)}.`);
}

function damaged(detail: string): PitcrewError {
  return new PitcrewError('E_BACKUP_DAMAGED', 'an archive of the backup is damaged', { detail });
}
