import {
  baseBackup,
  type BaseBackupEvent,
  type PhysicalConnection,
} from '../../../engine/postgres/replication/physical/index.ts';
import { PitcrewError, toPitcrewError } from '../../../errors.ts';
import { type BackupRecord, type Repository, type StoredFile, storing, type Storing } from '../repository/index.ts';
import { archivedBytes } from './choose-type.ts';
import { mayLeaveOut } from './left-out.ts';
import { type Begun, type CreateOptions, silenceMs } from './options.ts';

/** An incremental backup was given up. */
export class NotWhole extends Error {}

/**
 * Stores what the server sends, and says what it was. `onBegin`: told from where on the log is needed, before any file comes.
 * @throws {NotWhole} for an incremental one that may be without blocks that have changed
 */
export async function copyFiles(
  base: PhysicalConnection,
  {
    url,
    repository,
    checkpoint = 'fast',
    compressAt = 'client',
    maxRateKb,
    madeBy,
    signal,
    onProgress,
    silenceLimitMs = silenceMs,
  }: CreateOptions,
  begun: Begun,
  onBegin: (startLsn: bigint) => Promise<void>,
): Promise<BackupRecord> {
  const { id, parent } = begun;
  const files: StoredFile[] = [];
  const warnings = [...begun.warnings];
  let current: Storing<StoredFile> | undefined;
  let totalBytes = 0;
  let begin: (BaseBackupEvent & { type: 'begin' }) | undefined;
  let end: (BaseBackupEvent & { type: 'end' }) | undefined;
  const finish = async (): Promise<void> => {
    if (current) files.push(await current.end());
    current = undefined;
  };
  const isCompressed = compressAt === 'server';
  const next = async (name: string, how: { isCompressed?: boolean } = {}): Promise<void> => {
    await finish();
    current = storing((source) => repository.putFile(id, name, source, { ...how, signal }));
  };
  onProgress?.({ phase: 'waiting', doneBytes: 0, totalBytes });
  try {
    for await (const event of baseBackup(base, {
      label: `pitcrew ${id}`,
      checkpoint,
      maxRateKb,
      serverCompression: isCompressed ? { level: repository.level } : undefined,
      incremental: parent !== null,
      silenceLimitMs,
    })) {
      if (event.type === 'data') await current?.write(event.bytes);
      else if (event.type === 'begin') {
        begin = event;
        await onBegin(event.startLsn);
        if (parent !== null) await requireWhole(url, repository, parent, event.startLsn);
        totalBytes = event.tablespaces.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        // The server tells how far it is once a second.
        onProgress?.({ phase: 'copying', doneBytes: 0, totalBytes });
      } else if (event.type === 'archive') await next(event.name, { isCompressed });
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
  const ratio = archivedBytes(files) / totalBytes;
  return {
    ...begun,
    changedRatio: parent === null || !Number.isFinite(ratio) ? undefined : Math.min(1, ratio),
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

/** What the server looks at has been summarized by now, and what comes later is in the log. */
async function requireWhole(url: string, repository: Repository, parent: string, to: bigint): Promise<void> {
  const { startLsn } = await repository.backup(parent);
  const reason = await mayLeaveOut(url, { from: startLsn, to });
  if (reason !== undefined) throw new NotWhole(reason);
}
