import { randomBytes } from 'node:crypto';
import { parseSize } from '../../../config/index.ts';
import {
  baseBackup,
  type BaseBackupEvent,
  openPhysical,
  type PhysicalConnection,
  uploadManifest,
} from '../../../engine/postgres/replication/physical/index.ts';
import { PitcrewError, toPitcrewError } from '../../../errors.ts';
import {
  type BackupRecord,
  manifestOf,
  type Repository,
  type StoredFile,
  storing,
  type Storing,
} from '../repository/index.ts';
import { findParent } from './find-parent.ts';
import { receiveWal, type Receiving } from '../wal/receive.ts';

export interface CreateOptions {
  url: string;
  repository: Repository;
  /** `full` by default. An incremental one has what has changed since the latest backup, and needs that for a restore. */
  type?: BackupRecord['type'];
  /** `fast` by default: it begins at once. */
  checkpoint?: 'fast' | 'spread';
  /** At most so many kB a second are read. */
  maxRateKb?: number | undefined;
  /** Name and version of the program, for the record. */
  madeBy: string;
  signal?: AbortSignal | undefined;
  onProgress?(progress: CreateProgress): void;
}

export interface CreateProgress {
  /** `waiting`: for a checkpoint; `copying`; `log`: the last segments of log. */
  phase: 'waiting' | 'copying' | 'log';
  doneBytes: number;
  /** The server's estimate. */
  totalBytes: number;
}

/**
 * Makes a full backup: all files of the server, and the log without which they are of no use. It is there once all of it is stored; of one that fails or
 * is stopped nothing is seen.
 * @throws {PitcrewError} of the connection, of the storage; `E_CONFLICT` when the repository belongs to another cluster; `E_QUERY` for what the
 * server finds wrong, as pages whose checksum does not fit; `E_ABORTED`
 */
export async function createBackup(options: CreateOptions): Promise<BackupRecord> {
  const { url, repository, signal } = options;
  const base = await openPhysical({ url });
  let log: PhysicalConnection | undefined;
  let receiving: Receiving | undefined;
  let begun: Begun | undefined;
  // Without its log the backup is of no use, and whatever fails first is told.
  let failure: unknown;
  const stop = (): void => {
    base.destroy();
    void receiving?.stop();
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const { systemId } = await base.identify();
    if ((await base.show('in_hot_standby')) === 'on') throw standby(base.address);
    await repository.claim(systemId);
    const segmentBytes = await segmentBytesOf(base);
    log = await openPhysical({ url });
    // As long as that connection lives, the server keeps what we have not stored yet.
    const slot = `pitcrew_backup_${randomBytes(6).toString('hex')}`;
    await log.createSlot(slot, { temporary: true });
    const { timeline, flushedLsn } = await log.identify();
    receiving = receiveWal({ connection: log, repository, from: flushedLsn, timeline, segmentBytes, slot });
    receiving.ended.catch((error: unknown) => {
      failure ??= error;
      base.destroy();
    });
    const type = options.type ?? 'full';
    const parent = type === 'full' ? null : await findParent(base, repository);
    const blockBytes = Number(await base.show('block_size'));
    // From here on no prune takes the parent.
    const start = await repository.begin(type, parent?.id);
    begun = { ...start, type, parent: parent?.id ?? null, systemId, segmentBytes, blockBytes };
    if (parent) await uploadManifest(base, repository.readFile(manifestOf(parent)));
    const record = await copy(base, options, begun);
    if (record.timeline !== timeline) throw promoted(timeline, record.timeline);
    options.onProgress?.({ phase: 'log', doneBytes: 0, totalBytes: 0 });
    await receiving.until(record.endLsn);
    // What it builds on has to be there.
    await repository.chain(record);
    await repository.putBackup(record);
    return record;
  } catch (error) {
    if (begun) await repository.discard(begun.id).catch(() => {});
    if (signal?.aborted) throw new PitcrewError('E_ABORTED', 'the backup was stopped', { cause: error });
    throw failure ?? error;
  } finally {
    signal?.removeEventListener('abort', stop);
    await receiving?.stop();
    await log?.close();
    await base.close();
  }
}

type Begun = Pick<BackupRecord, 'id' | 'startedAt' | 'type' | 'parent' | 'systemId' | 'segmentBytes' | 'blockBytes'>;

async function segmentBytesOf(base: PhysicalConnection): Promise<number> {
  const setting = await base.show('wal_segment_size');
  const bytes = parseSize(setting);
  if (bytes !== undefined && bytes > 0) return bytes;
  throw new PitcrewError('E_INTERNAL', 'the server tells a size in a form that is not known', { detail: setting });
}

/** Stores what the server sends, and says what it was. */
async function copy(
  base: PhysicalConnection,
  { repository, checkpoint = 'fast', maxRateKb, madeBy, signal, onProgress }: CreateOptions,
  begun: Begun,
): Promise<BackupRecord> {
  const { id, parent } = begun;
  const files: StoredFile[] = [];
  const warnings: string[] = [];
  let current: Storing<StoredFile> | undefined;
  let totalBytes = 0;
  let begin: (BaseBackupEvent & { type: 'begin' }) | undefined;
  let end: (BaseBackupEvent & { type: 'end' }) | undefined;
  const finish = async (): Promise<void> => {
    if (current) files.push(await current.end());
    current = undefined;
  };
  const next = async (name: string): Promise<void> => {
    await finish();
    current = storing((source) => repository.putFile(id, name, source, signal));
  };
  onProgress?.({ phase: 'waiting', doneBytes: 0, totalBytes });
  try {
    for await (const event of baseBackup(base, {
      label: `pitcrew ${id}`,
      checkpoint,
      maxRateKb,
      incremental: parent !== null,
    })) {
      if (event.type === 'data') await current?.write(event.bytes);
      else if (event.type === 'begin') {
        begin = event;
        totalBytes = event.tablespaces.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      } else if (event.type === 'archive') await next(event.name);
      else if (event.type === 'manifest') await next('backup_manifest');
      else if (event.type === 'progress') onProgress?.({ phase: 'copying', doneBytes: event.doneBytes, totalBytes });
      else if (event.type === 'warning') warnings.push(event.text);
      else end = event;
    }
    await finish();
  } catch (error) {
    await current?.abandon(toPitcrewError(error));
    throw error;
  }
  if (!begin || !end) throw new PitcrewError('E_INTERNAL', 'the server ended the backup too early');
  return {
    ...begun,
    format: 1,
    serverVersion: base.version,
    timeline: begin.timeline,
    startLsn: begin.startLsn,
    endLsn: end.endLsn,
    endedAt: new Date(),
    label: `pitcrew ${id}`,
    tablespaces: begin.tablespaces.flatMap(({ oid, location }) => (oid === null ? [] : [{ oid, location }])),
    files,
    warnings,
    recipients: [...repository.recipients],
    madeBy,
  };
}

function standby(address: string): PitcrewError {
  return new PitcrewError('E_UNSUPPORTED', `${address} is a standby`, {
    detail: 'The last segment of log that a backup needs is ended by the primary only.',
    hint: 'Back up the primary; maxRateKb keeps it gentle.',
  });
}

function promoted(before: number, after: number): PitcrewError {
  return new PitcrewError('E_CONFLICT', 'the server was promoted while it was backed up', {
    detail: `It went from timeline ${before} to ${after}.`,
    hint: 'Make the backup again.',
  });
}
