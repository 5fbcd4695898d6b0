import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import tar from 'tar-stream';
import { errorCode, messageOf, PitcrewError } from '../../../errors.ts';
import type { ManifestFile } from '../repository/index.ts';
import { writeFile } from '../write-file.ts';
import { applyIncremental, changedPath } from './incremental-file.ts';
import { isOfMajor } from './tablespaces.ts';

export interface UnpackOptions {
  /** What errors call it. */
  archive: string;
  /** Below which everything goes. */
  into: string;
  /** Where that is in the manifest: empty, or `pg_tblspc/16400/`. */
  prefix: string;
  /** Whether a file is needed, by its path in the manifest: when `changes`, there is the file of a backup before, and some blocks of it have changed. */
  wants(path: string, kind: 'whole' | 'changes'): boolean;
  /** What the backup's manifest says of its files: no other is unpacked, and none of another length. */
  manifest: ReadonlyMap<string, ManifestFile>;
  /** Of which server, as in 180001: a tablespace has one folder, whose name begins by it. */
  serverVersion: number;
  /** Of an incremental backup: the size of a block. `undefined`: all its files are whole. */
  blockBytes?: number | undefined;
  /** Whether folders are made that have nothing in them. */
  folders: boolean;
  /** Files that are there are replaced; else there must be none. */
  replace?: boolean | undefined;
  /** Where a file goes for now, by its path below the folder. */
  held?: ReadonlyMap<string, string> | undefined;
  /** Who is to own the files; whoever runs this by default. */
  owner?: { uid: number; gid: number } | undefined;
  /** A piece of a file has been read. */
  onBytes?(bytes: number): void;
}

export interface Unpacked {
  /** Each file that was needed with what was found in it, by its path in the manifest. */
  files: Map<string, ManifestFile>;
  /** All folders of the archive, by their path below the folder. */
  folders: Set<string>;
}

/**
 * Unpacks what is needed of a tar file of PostgreSQL's. Nothing is written outside of the folder, through a link, or over something that is there and was
 * not meant.
 * @throws {PitcrewError} `E_BACKUP_DAMAGED` for an archive that has something else in it; what reading throws, and what the file system says
 */
export async function unpack(source: AsyncIterable<Buffer>, options: UnpackOptions): Promise<Unpacked> {
  const { into, prefix, wants, manifest, blockBytes, held, owner, onBytes } = options;
  const files = new Map<string, ManifestFile>();
  const folders = new Set<string>();
  const archive = tar.extract();
  const reading = Readable.from(source);
  // Whoever reads the entries is told, with the reason.
  let failure: unknown;
  reading.on('error', (error) => {
    failure = error;
    archive.destroy(error);
  });
  const count = (length: number): void => {
    try {
      onBytes?.(length);
    } catch (error) {
      // It does not speak against the archive.
      failure ??= error;
      throw error;
    }
  };
  reading.pipe(archive);
  try {
    for await (const entry of archive) {
      const { name, type, size = 0, mode } = entry.header;
      const path = name.replace(/\/$/, '').replace(/^\.\//, '');
      checkPath(path, name, options);
      const changed = blockBytes === undefined ? undefined : changedPath(path);
      if (type === 'directory') {
        folders.add(path);
        if (options.folders) await makeFolder(into, path, owner);
        entry.resume();
      } else if (type === 'file') {
        const isWanted = wants(prefix + (changed ?? path), changed === undefined ? 'whole' : 'changes');
        const hash = createHash('sha256');
        let bytes = 0;
        // Read by iterating: an entry whose archive breaks off ends a pipeline neither well nor badly.
        const content = async function* (): AsyncGenerator<Buffer> {
          for await (const piece of entry as AsyncIterable<Buffer>) {
            if (isWanted) hash.update(piece);
            bytes += piece.length;
            count(piece.length);
            yield piece;
          }
        };
        if (isWanted) {
          // Before it fills a disk.
          if (manifest.get(prefix + path)?.bytes !== size || files.has(prefix + path))
            throw new Error(`It has a file in it that is not in the manifest: ${JSON.stringify(name)}.`);
          const place = changed ?? path;
          const target = join(into, held?.get(place) ?? place);
          if (blockBytes !== undefined && changed !== undefined) {
            await applyIncremental(content(), target, { blockBytes, name: path });
          } else {
            await makeFolder(into, dirname(path), owner);
            if (options.replace) await rm(target, { force: true });
            await writeFile(target, content());
          }
          await chmod(target, (mode ?? 0o600) & 0o700);
          if (owner) await chown(target, owner.uid, owner.gid);
          files.set(prefix + path, { bytes, sha256: hash.digest('hex') });
        } else for await (const piece of content()) void piece;
        if (bytes !== size) throw new Error(`${path} has ${bytes} of ${size} bytes.`);
      } else {
        throw new Error(`It has a ${type ?? 'thing of no known kind'} in it: ${JSON.stringify(name)}.`);
      }
    }
  } catch (error) {
    throw failure ?? asDamage(error, options.archive);
  } finally {
    reading.destroy();
  }
  return { files, folders };
}

/** Makes a folder and those above it, each of them the owner's. */
async function makeFolder(into: string, path: string, owner: UnpackOptions['owner']): Promise<void> {
  const first = await mkdir(join(into, path), { recursive: true, mode: 0o700 });
  if (first === undefined || !owner) return;
  for (let made = join(into, path); made.length >= first.length; made = dirname(made)) {
    await chown(made, owner.uid, owner.gid);
  }
}

function checkPath(path: string, name: string, { prefix, serverVersion }: UnpackOptions): void {
  const parts = path.split('/');
  const isInside = path === '.' || (path !== '' && parts.every((part) => part !== '' && part !== '.' && part !== '..'));
  // Where a data directory has links; and in the place of a tablespace there may be that of another server.
  const isOthers =
    prefix === '' ? parts[0] === 'pg_tblspc' && parts.length > 1 : path !== '.' && !isOfMajor(path, serverVersion);
  if (!isInside || isOthers || path.includes('\0'))
    throw new Error(`It has a path in it that leads elsewhere: ${JSON.stringify(name)}.`);
}

/** What was found wrong here and by the parser, and what the file system says where an archive has one path as a file and as a folder. */
function asDamage(error: unknown, archive: string): unknown {
  const code = errorCode(error);
  if (error instanceof PitcrewError || (error instanceof Error && error.name === 'AbortError')) return error;
  if (code !== undefined && !['EEXIST', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'STREAM_DESTROYED'].includes(code))
    return error;
  const detail = messageOf(error).replace(/\.$/, '');
  return new PitcrewError('E_BACKUP_DAMAGED', 'an archive of the backup is damaged', {
    detail: `${archive}: ${detail}.`,
  });
}
