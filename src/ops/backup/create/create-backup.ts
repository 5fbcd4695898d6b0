import { randomBytes } from 'node:crypto';
import {
  openPhysical,
  type PhysicalConnection,
  uploadManifest,
} from '../../../engine/postgres/replication/physical/index.ts';
import { PitcrewError } from '../../../errors.ts';
import { type BackupRecord, manifestOf, stopsEncrypting, tidy } from '../repository/index.ts';
import { type Choice, chooseType } from './choose-type.ts';
import { estimateChange } from './estimate-change.ts';
import { copyFiles, NotWhole } from './copy-files.ts';
import { findParent, knowsBlocks } from './find-parent.ts';
import { endOfLog, firstMissing, logGone, logRecord } from './log-backup.ts';
import { orLogGivenUp } from './log-given-up.ts';
import { requireLog } from './require-log.ts';
import { historiesOf, storeHistories } from './store-histories.ts';
import { storePart } from './store-part.ts';
import { type Begun, type CreateOptions, silenceMs } from './options.ts';
import { receiveWal, type Receiving } from '../wal/receive.ts';
import { segmentBytesOf } from '../wal/segment-size.ts';
import { watchServer } from './watch-server.ts';
import { segmentStart } from '../wal/segments.ts';

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

/** The full backup that is made instead of an incremental one that cannot be, and was not insisted upon, or would not be right. */
function insteadOf(error: unknown, taken: Choice | undefined): (Choice & { warnings?: string[] }) | undefined {
  if (error instanceof NotWhole) return { type: 'full', reason: error.message, warnings: [error.message] };
  if (taken?.type !== 'incremental' || !lacksNotes(error)) return undefined;
  return { type: 'full', reason: 'the server cannot tell all that has changed' };
}

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

const notEncrypted = 'It is not encrypted, although the one before it is.';

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
  let unwatch = (): void => {};
  const stop = (): void => {
    base.destroy();
    void receiving?.stop();
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const { systemId } = await base.identify();
    const isStandby = (await base.show('in_hot_standby')) === 'on';
    await repository.claim(systemId);
    await tidy(repository);
    const segmentBytes = await segmentBytesOf(base);
    let keeper = (log = await openPhysical({ url }));
    let slot = await keepLog(keeper);
    const { timeline, flushedLsn } = await keeper.identify();
    const histories = await historiesOf(keeper, timeline);
    const choice = await choose(base, timeline, flushedLsn);
    const { type, reason } = choice;
    const warnings = [...(choice.warnings ?? []), ...((await stopsEncrypting(repository)) ? [notEncrypted] : [])];
    const parent = type === 'full' ? null : await findParent(base, repository, { timeline, isStandby });
    const isLogOnly = parent !== null && !knowsBlocks(base.version);
    const receive = (from: bigint): Receiving => {
      const silenceLimitMs = options.silenceLimitMs ?? silenceMs;
      const started = receiveWal({
        connection: keeper,
        repository,
        from,
        timeline,
        segmentBytes,
        slot,
        silenceLimitMs,
      });
      started.ended.catch((error: unknown) => {
        failure ??= isLogOnly ? logGone(error, parent) : error;
        base.destroy();
      });
      receiving = started;
      return started;
    };
    const blockBytes = Number(await base.show('block_size'));
    // From here on no prune takes the parent.
    const start = await repository.begin(type, parent?.id);
    begun = { ...start, type, parent: parent?.id ?? null, reason, warnings, systemId, segmentBytes, blockBytes };
    let record: BackupRecord;
    if (isLogOnly) {
      options.onProgress?.({ phase: 'waiting', doneBytes: 0, totalBytes: 0 });
      const received = receive(await firstMissing(repository, parent, flushedLsn));
      const endLsn = await endOfLog(base, options.checkpoint ?? 'fast');
      record = logRecord(parent, begun, {
        serverVersion: base.version,
        endLsn,
        endedAt: new Date(),
        recipients: [...repository.recipients],
        madeBy: options.madeBy,
      });
      options.onProgress?.({ phase: 'log', doneBytes: 0, totalBytes: 0 });
      await received.until(segmentStart(endLsn, segmentBytes));
      await storePart(url, repository, record);
    } else {
      if (parent) await uploadManifest(base, repository.readFile(manifestOf(parent)));
      let received: Receiving | undefined;
      // Until it begins, nobody hears of it on either connection.
      unwatch = watchServer(keeper, options.silenceLimitMs ?? silenceMs, (error) => {
        failure ??= error;
        stop();
        keeper.destroy();
      });
      record = await copyFiles(base, options, begun, async (startLsn) => {
        unwatch();
        const isKept = await keeper.readSlot(slot).then(
          (found) => found?.restartLsn !== undefined,
          () => false,
        );
        // Of what was before the checkpoint the server may keep less than there was; only what comes behind it is needed.
        if (!isKept) {
          await keeper.close();
          keeper = log = await openPhysical({ url });
          slot = await keepLog(keeper);
        }
        // That of a standby begins where its primary made a checkpoint last.
        received = receive(!isKept || startLsn < flushedLsn ? startLsn : flushedLsn);
      });
      if (record.timeline !== timeline) throw promoted(timeline, record.timeline);
      options.onProgress?.({ phase: 'log', doneBytes: 0, totalBytes: 0 });
      // Its last segment is ended by the primary alone, whenever that may be.
      await received?.until(isStandby ? segmentStart(record.endLsn, segmentBytes) : record.endLsn);
      if (isStandby) await storePart(url, repository, record);
    }
    // What it builds on has to be there, and what it recovers with.
    await repository.chain(record);
    await requireLog(repository, record);
    await storeHistories(repository, record, histories);
    await repository.putBackup(record);
    return record;
  } catch (error) {
    if (begun) await repository.discard(begun.id).catch(() => {});
    if (signal?.aborted) throw new PitcrewError('E_ABORTED', 'the backup was stopped', { cause: error });
    throw failure && receiving ? await orLogGivenUp(failure, url, receiving.storedLsn) : (failure ?? error);
  } finally {
    unwatch();
    signal?.removeEventListener('abort', stop);
    await receiving?.stop();
    await log?.close();
    await base.close();
  }
}

/** As long as that connection lives, the server keeps what we have not stored yet. @returns the name of the slot */
async function keepLog(connection: PhysicalConnection): Promise<string> {
  const slot = `pitcrew_backup_${randomBytes(6).toString('hex')}`;
  await connection.createSlot(slot, { temporary: true });
  return slot;
}

function promoted(before: number, after: number): PitcrewError {
  return new PitcrewError('E_CONFLICT', 'the server was promoted while it was backed up', {
    detail: `It went from timeline ${before} to ${after}.`,
    hint: 'Make the backup again.',
  });
}
