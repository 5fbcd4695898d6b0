import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, existsSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  baseBackup,
  type BaseBackupEvent,
  type BaseBackupOptions,
  openPhysical,
  type PhysicalConnection,
  streamWal,
  type WalPiece,
} from '../../src/engine/postgres/replication/physical/index.ts';
import { bySegments, segmentName, segmentStart } from '../../src/ops/backup/wal/segments.ts';
import type { EmbeddedServer } from '../../src/ops/embedded/index.ts';

const segmentBytes = 16 * 1024 * 1024;

/** A base backup as files: the archives and the manifest, in a folder. */
export interface SavedBackup {
  folder: string;
  startLsn: bigint;
  endLsn: bigint;
  timeline: number;
  /** Without data. */
  events: BaseBackupEvent[];
  bytes: number;
}

export async function saveBackup(
  connection: PhysicalConnection,
  folder: string,
  options: Partial<BaseBackupOptions> = {},
  seen: (event: BaseBackupEvent) => Promise<void> | void = () => {},
): Promise<SavedBackup> {
  mkdirSync(folder, { recursive: true });
  const saved: SavedBackup = { folder, startLsn: 0n, endLsn: 0n, timeline: 0, events: [], bytes: 0 };
  let file: number | undefined;
  const open = (name: string): void => {
    if (file !== undefined) closeSync(file);
    file = openSync(join(folder, name), 'wx');
  };
  for await (const event of baseBackup(connection, { label: 'a test', checkpoint: 'fast', ...options })) {
    await seen(event);
    if (event.type === 'data') {
      saved.bytes += event.bytes.length;
      if (file === undefined) throw new Error('data before the first archive');
      writeSync(file, event.bytes);
      continue;
    }
    saved.events.push(event);
    if (event.type === 'begin') Object.assign(saved, { startLsn: event.startLsn, timeline: event.timeline });
    if (event.type === 'archive') open(event.name);
    if (event.type === 'manifest') open('backup_manifest');
    if (event.type === 'end') saved.endLsn = event.endLsn;
  }
  if (file !== undefined) closeSync(file);
  return saved;
}

/** Makes a data directory of a saved backup without tablespaces, with the log that it needs, for the user of another. */
export async function unpack(backup: SavedBackup, source: EmbeddedServer, dataDir: string): Promise<void> {
  mkdirSync(dataDir, { mode: 0o700 });
  execFileSync('tar', ['-xf', join(backup.folder, 'base.tar'), '-C', dataDir]);
  await saveWal(source.url(), backup, join(dataDir, 'pg_wal'));
  execFileSync('chown', ['-R', `--reference=${source.dataDir}`, dataDir]);
}

/** Writes the segments that a backup needs; the last one as far as the server has it. */
async function saveWal(
  url: string,
  { startLsn, endLsn, timeline }: Pick<SavedBackup, 'startLsn' | 'endLsn' | 'timeline'>,
  folder: string,
): Promise<void> {
  const connection = await openPhysical({ url });
  try {
    const stream = streamWal(connection, { from: segmentStart(startLsn, segmentBytes), timeline });
    for await (const piece of stream) {
      writeLog(folder, timeline, piece);
      const written = piece.startLsn + BigInt(piece.bytes.length);
      stream.confirm(written);
      if (written >= endLsn) stream.stop();
    }
  } finally {
    await connection.close();
  }
}

function writeLog(folder: string, timeline: number, piece: WalPiece): void {
  for (const { startLsn, bytes } of bySegments(piece, segmentBytes)) {
    const path = join(folder, segmentName(timeline, startLsn, segmentBytes));
    const file = openSync(path, existsSync(path) ? 'r+' : 'w');
    try {
      ftruncateSync(file, segmentBytes);
      writeSync(file, bytes, 0, bytes.length, Number(startLsn % BigInt(segmentBytes)));
    } finally {
      closeSync(file);
    }
  }
}

/** What the manifest says of files that are not as it says; an empty list when all are. */
export function manifestProblems(folder: string, dataDir: string): string[] {
  const text = readFileSync(join(folder, 'backup_manifest'), 'utf8');
  const manifest = JSON.parse(text) as {
    Files: { Path?: string; Size: number; Checksum: string }[];
    'Manifest-Checksum': string;
  };
  const covered = text.slice(0, text.lastIndexOf('"Manifest-Checksum"'));
  const own = createHash('sha256').update(covered).digest('hex');
  const files = manifest.Files.flatMap(({ Path, Size, Checksum }) => {
    if (Path === undefined) return [];
    const bytes = readFileSync(join(dataDir, Path));
    const same = bytes.length === Size && createHash('sha256').update(bytes).digest('hex') === Checksum;
    return same ? [] : [Path];
  });
  return own === manifest['Manifest-Checksum'] ? files : ['backup_manifest', ...files];
}
