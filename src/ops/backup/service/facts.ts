import type { BackupFacts } from '../../monitor/index.ts';
import type { LatestRuns } from '../../store/index.ts';
import type { Catalogue } from './catalogue.ts';
import type { BackupServiceStatus, BackupSettings } from './types.ts';

export interface FactsInput {
  settings: BackupSettings;
  status: BackupServiceStatus;
  catalogue: Catalogue;
  runs: readonly LatestRuns[];
}

/** What the health of a database is judged by. */
export function factsOf({ settings, status, catalogue, runs }: FactsInput): BackupFacts {
  const { running, stream, unprovable } = status;
  const latest = catalogue.backups?.map(({ endedAt }) => endedAt.getTime());
  const drill = runs.find(({ kind }) => kind === 'drill')?.last;
  return {
    maxBackupAgeMs: settings.maxBackupAge,
    maxLogLagMs: settings.maxLogLag,
    scheduled: settings.full !== undefined || settings.incremental !== undefined,
    streams: settings.stream,
    drills: settings.drill === 'after-full',
    unprovable,
    running: running?.kind === 'full' || running?.kind === 'incremental',
    // By the clock, for once: what is asked is how old it is.
    latestBackupAt: latest && (latest.length === 0 ? null : new Date(Math.max(...latest))),
    repositories: catalogue.repositories.map(({ name, error }) => ({ name, error: error && textOf(error) })),
    failed: runs.flatMap(({ kind, last: { state, endedAt, error } }) =>
      // That a drill found something is told by itself.
      state === 'failed' && endedAt && kind !== 'drill'
        ? [{ kind, at: endedAt, message: error ? textOf(error) : 'no reason is known' }]
        : [],
    ),
    drill:
      drill?.endedAt && (drill.state === 'done' || drill.state === 'failed')
        ? {
            at: drill.endedAt,
            ok: drill.state === 'done',
            message: drill.error ? textOf(drill.error) : '',
            readyMs: readyMsOf(drill.report),
          }
        : null,
    stream: stream && {
      state: stream.state,
      since: stream.since,
      slot: stream.slot,
      lagMs: stream.lagMs,
      error: stream.error && textOf(stream.error),
      gap: stream.gap,
    },
  };
}

/** Of a drill: until the restored server was ready, as its report has it. */
export function readyMsOf(report: object | null): number | null {
  return report && 'readyMs' in report && typeof report.readyMs === 'number' ? report.readyMs : null;
}

function textOf({ message, detail }: { message: string; detail?: string | null | undefined }): string {
  return detail ? `${message}: ${detail}`.replace(/\.$/, '') : message;
}
