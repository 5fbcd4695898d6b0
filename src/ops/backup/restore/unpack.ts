import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';
import { PitcrewError } from '../../../errors.ts';
import type { ManifestFile } from './manifest.ts';

export interface UnpackOptions {
  /** Below which everything goes. */
  into: string;
  /** Where that is in the manifest: empty, or `pg_tblspc/16400/`. */
  prefix: string;
  /** Who is to own the files; whoever runs this by default. */
  owner?: { uid: number; gid: number } | undefined;
  /** A piece of a file has been written. */
  onBytes?(bytes: number): void;
}

/**
 * Unpacks a tar file of PostgreSQL's. Nothing is written outside of the folder, over something that is there, or through a link.
 * @returns each file with what was found in it, by its path in the manifest
 * @throws {PitcrewError} `E_BACKUP_DAMAGED` for an archive that has something else in it; what reading throws, and what the file system says
 */
export async function unpack(
  source: AsyncIterable<Buffer>,
  { into, prefix, owner, onBytes }: UnpackOptions,
): Promise<Map<string, ManifestFile>> {
  const found = new Map<string, ManifestFile>();
  const own = async (path: string): Promise<void> => {
    if (owner) await chown(path, owner.uid, owner.gid);
  };
  const archive = tar.extract();
  const reading = Readable.from(source);
  // Whoever reads the entries is told, with the reason.
  reading.on('error', (error) => archive.destroy(error));
  reading.pipe(archive);
  try {
    for await (const entry of archive) {
      const { name, type, size = 0, mode } = entry.header;
      const path = name.replace(/\/$/, '').replace(/^\.\//, '');
      checkPath(path, name);
      const target = join(into, path);
      if (type === 'directory') {
        await mkdir(target, { recursive: true, mode: 0o700 });
        await own(target);
        entry.resume();
      } else if (type === 'file') {
        await mkdir(dirname(target), { recursive: true, mode: 0o700 });
        const hash = createHash('sha256');
        let bytes = 0;
        const hashed = new Transform({
          transform(piece: Buffer, _encoding, callback) {
            hash.update(piece);
            bytes += piece.length;
            onBytes?.(piece.length);
            callback(null, piece);
          },
        });
        // Exclusive: neither a file nor a link that is there is written to.
        await pipeline(entry, hashed, createWriteStream(target, { flags: 'wx', mode: 0o600, flush: true }));
        await chmod(target, (mode ?? 0o600) & 0o700);
        await own(target);
        if (bytes !== size) throw damaged(`${path} has ${bytes} of ${size} bytes.`);
        found.set(prefix + path, { bytes, sha256: hash.digest('hex') });
      } else {
        throw damaged(`It has a ${type ?? 'thing of no known kind'} in it: ${JSON.stringify(name)}.`);
      }
    }
  } finally {
    reading.destroy();
  }
  return found;
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
