import type { BackupFacts } from '../../monitor/index.ts';
import type { BackupRun, LatestRuns } from '../../store/index.ts';
import type { DrillRecord } from '../drill/record.ts';
import type { Catalogue } from './catalogue.ts';
import { behindFirst, notCopied } from './copies.ts';
import type { BackupServiceStatus, BackupSettings, KeptLog } from './types.ts';

export interface FactsInput {
  settings: BackupSettings;
  status: BackupServiceStatus;
  catalogue: Catalogue;
  runs: readonly LatestRuns[];
}

/** What the health of a database is judged by. */
export function factsOf({ settings, status, catalogue, runs }: FactsInput): BackupFacts {
  const { running, log, unprovable } = status;
  const latest = catalogue.backups?.map(({ endedAt }) => endedAt.getTime());
  const drills = runs.find(({ kind }) => kind === 'drill');
  const drill = drills && foundOut(drills.last) ? drills.last : drills?.lastDone;
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
    behind: copiesBehind(catalogue, running, runs),
    failed: runs.flatMap(({ kind, last }) =>
      // That a drill found something is told by itself.
      last.state === 'failed' && last.endedAt && !(kind === 'drill' && foundOut(last))
        ? [{ kind, at: last.endedAt, message: last.error ? textOf(last.error) : 'no reason is known' }]
        : [],
    ),
    drill: latestDrill(catalogue, drill),
    stream: log && streamFacts(log),
  };
}

function copiesBehind(
  catalogue: Catalogue,
  running: BackupServiceStatus['running'],
  runs: readonly LatestRuns[],
): BackupFacts['behind'] {
  const failures = notCopied(runs);
  return catalogue.repositories.flatMap((place) => {
    const behind = behindFirst(catalogue, place, running);
    const reason = failures.findLast(({ repository }) => repository === place.name)?.reason ?? null;
    return behind ? [{ name: place.name, ...behind, reason }] : [];
  });
}

/** Of the daemon's own, and of those that somebody made by hand, the latest. */
function latestDrill({ drills }: Catalogue, run: BackupRun | null | undefined): BackupFacts['drill'] {
  const record = drills.at(-1);
  if (record && !(run?.endedAt && run.endedAt > record.endedAt)) {
    const { endedAt: at, proven: ok, problems } = record;
    return { at, ok, message: problems[0] ?? '', readyMs: readyMsOfRecord(record) };
  }
  if (!run?.endedAt) return null;
  const message = run.error ? textOf(run.error) : '';
  return { at: run.endedAt, ok: run.state === 'done', message, readyMs: readyMsOf(run.report) };
}

/** From the beginning of a drill until the restored server was ready. */
export function readyMsOfRecord({ fetchMs, recoveryMs }: Pick<DrillRecord, 'fetchMs' | 'recoveryMs'>): number | null {
  return fetchMs === null || recoveryMs === null ? null : fetchMs + recoveryMs;
}

/** Whether a drill says something of the backup: one that could not be done, for lack of room or of programs, says nothing. */
const foundOut = ({ state, error }: BackupRun): boolean => state === 'done' || error?.code === 'E_BACKUP_DAMAGED';

function streamFacts({ state, since }: KeptLog): NonNullable<BackupFacts['stream']> {
  const { phase, slot, repositories, gaps, error } = state;
  const lags = repositories.map(({ lagMs }) => lagMs);
  const failing = repositories.find((each) => each.error !== null);
  const gap = gaps.at(-1);
  return {
    state: phase,
    since,
    slot,
    // One that is not known may be any.
    lagMs: lags.length === 0 || lags.includes(null) ? null : Math.max(...lags.map((lag) => lag ?? 0)),
    error: error ? textOf(error) : failing?.error ? `${failing.name}: ${textOf(failing.error)}` : null,
    gap: gap ? `${gap.segments} segments from ${gap.first} on, in ${gap.repository}` : null,
  };
}

/** Of a drill: until the restored server was ready, as its report has it. */
export function readyMsOf(report: object | null): number | null {
  return report && 'readyMs' in report && typeof report.readyMs === 'number' ? report.readyMs : null;
}

function textOf({ message, detail }: { message: string; detail?: string | null | undefined }): string {
  return detail ? `${message}: ${detail}`.replace(/\.$/, '') : message;
}
