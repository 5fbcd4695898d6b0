import { randomBytes } from 'node:crypto';
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
  tidy,
} from '../repository/index.ts';
import { archivedBytes, type Choice, chooseType } from './choose-type.ts';
import { estimateChange } from './estimate-change.ts';
import { findParent } from './find-parent.ts';
import { mayLeaveOut } from './left-out.ts';
import { receiveWal, type Receiving } from '../wal/receive.ts';
import { segmentBytesOf } from '../wal/segment-size.ts';
import { segmentNames } from '../wal/segments.ts';

export interface CreateOptions {
  url: string;
  repository: Repository;
  /**
   * `full` by default. An incremental one has what has changed since the latest backup, and needs that for a restore; `auto` takes whichever serves
   * better.
   */
  type?: BackupRecord['type'] | 'auto';
  /** `fast` by default: it begins at once. */
  checkpoint?: 'fast' | 'spread';
  /** At most so many kB a second are read. */
  maxRateKb?: number | undefined;
  /** Name and version of the program, for the record. */
  madeBy: string;
  /** A server that says nothing for so long is given up, in ms; 120,000 by default. */
  silenceLimitMs?: number;
  signal?: AbortSignal | undefined;
  onProgress?(progress: CreateProgress): void;
  /** With `auto`: which type was taken, and why. */
  onChoice?(choice: Choice): void;
}

export interface CreateProgress {
  /** `waiting`: for a checkpoint; `copying`; `log`: the last segments of log. */
  phase: 'waiting' | 'copying' | 'log';
  doneBytes: number;
  /** The server's estimate. */
  totalBytes: number;
}

/**
 * Makes a backup: the files of the server, all or what has changed of them, and the log without which they are of no use. It is there once all of it is
 * stored; of one that fails or is stopped nothing is seen. Where an incremental one might not be whole, a full one is made instead, with the reason.
 * @throws {PitcrewError} of the connection, of the storage; `E_CONFLICT` when the repository belongs to another cluster; `E_QUERY` for what the
 * server finds wrong, as pages whose checksum does not fit; `E_ABORTED`
 */
export async function createBackup(options: CreateOptions): Promise<BackupRecord> {
  let taken: Choice | undefined;
  const choose = async (base: PhysicalConnection, timeline: number, flushedLsn: bigint): Promise<Choice> => {
    taken = await chooseFor(base, options, timeline, flushedLsn);
    options.onChoice?.(taken);
    return taken;
  };
  try {
    return await make(
      options,
      options.type === 'auto'
        ? choose
        : async () => ({ type: options.type === 'incremental' ? 'incremental' : 'full' }),
    );
  } catch (error) {
    const choice = insteadOf(error, taken);
    if (!choice) throw error;
    options.onChoice?.(choice);
    return make(options, async () => choice);
  }
}

/** An incremental backup was given up. */
class NotWhole extends Error {}

/** The full backup that is made instead of an incremental one that cannot be, and was not insisted upon, or would not be right. */
function insteadOf(error: unknown, taken: Choice | undefined): (Choice & { warnings?: string[] }) | undefined {
  if (error instanceof NotWhole) return { type: 'full', reason: error.message, warnings: [error.message] };
  if (taken?.type !== 'incremental' || !lacksNotes(error)) return undefined;
  return { type: 'full', reason: 'the server cannot tell all that has changed' };
}

const silenceMs = 120_000;

/** Whether the server refused because its notes of what changed have a gap: object_not_in_prerequisite_state. */
const lacksNotes = (error: unknown): boolean => error instanceof PitcrewError && error.sqlState === '55000';

async function chooseFor(
  base: PhysicalConnection,
  { url, repository }: CreateOptions,
  timeline: number,
  flushedLsn: bigint,
): Promise<Choice> {
  const latest = (await repository.backups()).at(-1);
  return chooseType({
    version: base.version,
    chain: latest ? await repository.chain(latest) : [],
    timeline,
    summarizes: base.version >= 170_000 && (await base.show('summarize_wal')) === 'on',
    change: async () => (latest ? estimateChange(url, latest, flushedLsn) : { known: false }),
  });
}

type Choosing = (
  base: PhysicalConnection,
  timeline: number,
  flushedLsn: bigint,
) => Promise<Omit<Choice, 'reason'> & { reason?: string; warnings?: string[] }>;

async function make(options: CreateOptions, choose: Choosing): Promise<BackupRecord> {
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
    await tidy(repository);
    const segmentBytes = await segmentBytesOf(base);
    log = await openPhysical({ url });
    // As long as that connection lives, the server keeps what we have not stored yet.
    const slot = `pitcrew_backup_${randomBytes(6).toString('hex')}`;
    await log.createSlot(slot, { temporary: true });
    const { timeline, flushedLsn } = await log.identify();
    receiving = receiveWal({
      connection: log,
      repository,
      from: flushedLsn,
      timeline,
      segmentBytes,
      slot,
      silenceLimitMs: options.silenceLimitMs ?? silenceMs,
    });
    receiving.ended.catch((error: unknown) => {
      failure ??= error;
      base.destroy();
    });
    const { type, reason, warnings = [] } = await choose(base, timeline, flushedLsn);
    const parent = type === 'full' ? null : await findParent(base, repository);
    const blockBytes = Number(await base.show('block_size'));
    // From here on no prune takes the parent.
    const start = await repository.begin(type, parent?.id);
    begun = { ...start, type, parent: parent?.id ?? null, reason, warnings, systemId, segmentBytes, blockBytes };
    if (parent) await uploadManifest(base, repository.readFile(manifestOf(parent)));
    const record = await copy(base, options, begun);
    if (record.timeline !== timeline) throw promoted(timeline, record.timeline);
    options.onProgress?.({ phase: 'log', doneBytes: 0, totalBytes: 0 });
    await receiving.until(record.endLsn);
    // What it builds on has to be there, and what it recovers with.
    await repository.chain(record);
    await requireLog(repository, record);
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

type Begun = Pick<
  BackupRecord,
  'id' | 'startedAt' | 'type' | 'parent' | 'reason' | 'warnings' | 'systemId' | 'segmentBytes' | 'blockBytes'
>;

/** Stores what the server sends, and says what it was. */
async function copy(
  base: PhysicalConnection,
  { url, repository, checkpoint = 'fast', maxRateKb, madeBy, signal, onProgress, silenceLimitMs }: CreateOptions,
  begun: Begun,
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
      silenceLimitMs: silenceLimitMs ?? silenceMs,
    })) {
      if (event.type === 'data') await current?.write(event.bytes);
      else if (event.type === 'begin') {
        begin = event;
        if (parent !== null) await requireWhole(url, repository, parent, event.startLsn);
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

/** A prune that did not know of this backup may have taken some. */
async function requireLog(repository: Repository, record: BackupRecord): Promise<void> {
  for (const name of segmentNames(record.timeline, record.startLsn, record.endLsn, record.segmentBytes)) {
    if (await repository.hasWal(name)) continue;
    throw new PitcrewError('E_CONFLICT', 'log is gone that the backup needs', {
      detail: `${name} was removed from ${repository.name} meanwhile.`,
      hint: 'Make the backup again.',
    });
  }
}

/** What the server looks at has been summarized by now, and what comes later is in the log. */
async function requireWhole(url: string, repository: Repository, parent: string, to: bigint): Promise<void> {
  const { startLsn } = await repository.backup(parent);
  const reason = await mayLeaveOut(url, { from: startLsn, to });
  if (reason !== undefined) throw new NotWhole(reason);
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
