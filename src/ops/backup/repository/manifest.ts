import { createHash } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { z } from 'zod';
import { messageOf, PitcrewError } from '../../../errors.ts';
import type { BackupRecord, StoredFile } from './records.ts';
import type { Repository } from './repository.ts';

/** A file as PostgreSQL's manifest has it. */
export interface ManifestFile {
  bytes: number;
  sha256: string;
}

/** What PostgreSQL says that a backup consists of. */
export interface Manifest {
  /** By path below the data directory. */
  files: Map<string, ManifestFile>;
  systemId: string | undefined;
}

const schema = z.object({
  'PostgreSQL-Backup-Manifest-Version': z.union([z.literal(1), z.literal(2)]),
  'System-Identifier': z.number().optional(),
  Files: z.array(
    z.object({
      Path: z.string().optional(),
      'Encoded-Path': z.string().optional(),
      Size: z.int().nonnegative(),
      'Checksum-Algorithm': z.literal('SHA256'),
      Checksum: z.string(),
    }),
  ),
});

/** The last line, whose checksum is of everything before it. */
const last = /^"Manifest-Checksum": "([0-9a-f]{64})"\}\n?$/;

/**
 * Reads a `backup_manifest`, and checks it against its own checksum.
 * @throws {PitcrewError} `E_BACKUP_DAMAGED`
 */
function parseManifest(content: Buffer): Manifest {
  const at = content.lastIndexOf('"Manifest-Checksum"');
  const [, checksum] = last.exec(content.toString('utf8', Math.max(at, 0))) ?? [];
  const own = createHash('sha256').update(content.subarray(0, at)).digest('hex');
  if (at < 0 || checksum !== own) throw damaged('Its checksum is not that of its content.');
  let parsed: z.output<typeof schema>;
  try {
    parsed = schema.parse(JSON.parse(content.toString('utf8')));
  } catch (error) {
    throw damaged(messageOf(error));
  }
  const files = parsed.Files.map((file): [string, ManifestFile] => [
    // Of a name that is not UTF-8, byte by byte.
    file.Path ?? Buffer.from(file['Encoded-Path'] ?? '', 'hex').toString('latin1'),
    { bytes: file.Size, sha256: file.Checksum },
  ]);
  // Not as a number: it has more digits than one can hold.
  const [, systemId] = /^"System-Identifier": (\d+),$/m.exec(content.toString('utf8', 0, 300)) ?? [];
  return { files: new Map(files), systemId };
}

/** The manifest of a backup. @throws {PitcrewError} `E_BACKUP_DAMAGED`, and what reading it throws */
export async function readManifest(repository: Repository, backup: BackupRecord): Promise<Manifest> {
  return parseManifest(await buffer(repository.readFile(manifestOf(backup))));
}

/** Where the manifest of a backup is. */
export function manifestOf({ id, files }: BackupRecord): StoredFile {
  const file = files.find(({ name }) => name === 'backup_manifest');
  if (file) return file;
  throw new PitcrewError('E_BACKUP_DAMAGED', `backup ${id} has no manifest`);
}

function damaged(detail: string): PitcrewError {
  return new PitcrewError('E_BACKUP_DAMAGED', "the backup's manifest is damaged", { detail });
}
