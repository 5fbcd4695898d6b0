import { PitcrewError } from '../../errors.ts';
import { lsnText } from '../../engine/postgres/replication/index.ts';
import type { BackupRecord, RecoveryProgress, RestoredServer, RestorePlan } from '../../ops/backup/index.ts';
import type { Identity, Programs } from '../../ops/embedded/index.ts';
import { progressLine } from '../progress-line.ts';

export interface StartFlags {
  start?: boolean;
  bin?: string;
  port?: number;
  quiet?: boolean;
}

/** The programs that are to be started, or why there are none; `undefined` when none were asked for. */
export async function startPrograms(
  { start, bin, port }: StartFlags,
  { serverVersion }: BackupRecord,
  identity: Identity | undefined,
): Promise<Programs | PitcrewError | undefined> {
  if (!start) {
    if (bin === undefined && port === undefined) return undefined;
    throw new PitcrewError('E_USAGE', '--bin and --port are for a server that is started', { hint: 'Add --start.' });
  }
  const { serverPrograms } = await import('../../ops/backup/index.ts');
  try {
    return await serverPrograms({ major: Math.floor(serverVersion / 10_000), binDir: bin, identity });
  } catch (error) {
    if (error instanceof PitcrewError) return error;
    throw error;
  }
}

/** Starts what was restored, and waits until its recovery has ended. */
export async function startPlanned(
  programs: Programs,
  {
    plan,
    owner,
    flags,
    signal,
  }: { plan: RestorePlan; owner: Identity | undefined; flags: StartFlags; signal: AbortSignal },
): Promise<RestoredServer> {
  const { startRestored } = await import('../../ops/backup/index.ts');
  const progress = progressLine(flags.quiet ?? false);
  const server = await startRestored({
    dataDir: plan.to,
    programs,
    identity: owner,
    segmentBytes: plan.backup.segmentBytes,
    settings: flags.port === undefined ? {} : { port: String(flags.port) },
    bound: false,
    signal,
    onProgress: (at) => progress.show(recoveryText(at, plan)),
  });
  progress.end('Recovered.');
  return server;
}

function recoveryText({ replayedLsn, segments }: RecoveryProgress, { log }: RestorePlan): string {
  if (replayedLsn === undefined) return 'Starting PostgreSQL …';
  const to = log.to ?? log.latest?.lsn;
  const most = log.to === undefined ? 'at most ' : '';
  const end = to === undefined ? '' : ` of ${most}${lsnText(to)}`;
  return `Recovering: ${lsnText(replayedLsn)}${end}, ${segments} segments`;
}
