import { setTimeout as delay } from 'node:timers/promises';
import { messageOf, PitcrewError, toPitcrewError } from '../../../errors.ts';
import type { BackupRunKind } from '../../store/index.ts';
import { openRepositories } from '../open/open-repositories.ts';
import { type Catalogue, lookUp } from './catalogue.ts';
import { factsOf } from './facts.ts';
import { makeBackup, proveBackup, pruneAll, verifyAll, type Workplace } from './jobs.ts';
import { createLogKeeper } from './log-keeper.ts';
import { type Job, nextJob } from './next-job.ts';
import { openRunLog, runError, type RunLog, withUnwritten } from './run-log.ts';
import { timesOf } from './schedule.ts';
import { passes } from './passes.ts';
import type {
  AskedBackup,
  BackupEvent,
  BackupService,
  BackupServiceOptions,
  BackupServiceStatus,
  JobResult,
  KnownBackups,
  RunningBackup,
} from './types.ts';

/** Five attempts within an hour. */
const usualRetriesMs = [60_000, 300_000, 900_000, 1_800_000];
/** What is in the repositories is not looked at more often, unless we changed it; for those who ask, and by itself. */
const catalogueMs = 30_000;
const ownCatalogueMs = 300_000;
/** Runs that the store cannot take now; older ones are in the log alone. */
const mostUnwritten = 20;
/** How long what is under way may take to give up when the service ends. */
const stopPatienceMs = 15_000;

/**
 * Looks after the backups of one server: makes, proves, checks and removes them by the settings' times, receives the log, and writes down how
 * each run went. One run at a time.
 * @example
 * ```ts
 * const service = createBackupService({ name: 'shop', url, settings, store, logger, madeBy: 'pitcrew 1.0.0', drillDir });
 * await service.run({ kind: 'full', by: 'ann' });
 * await service.idle();
 * await service.stop();
 * ```
 */
export function createBackupService(options: BackupServiceOptions): BackupService {
  const { name, url, settings, store, logger } = options;
  const isOwner = options.isOwner ?? (() => true);
  const retryAfterMs = options.retryAfterMs ?? usualRetriesMs;
  const times = {
    full: settings.full === undefined ? null : timesOf(settings.full, settings.timeZone),
    incremental: settings.incremental === undefined ? null : timesOf(settings.incremental, settings.timeZone),
    verify: settings.verify === undefined ? null : timesOf(settings.verify, settings.timeZone),
  };
  const unprovable = unprovableFor(options);
  const stopping = new AbortController();
  const listeners = new Set<(event: BackupEvent) => void>();
  const unwritten: RunLog[] = [];
  let target: Promise<number> | undefined;
  let running: RunningBackup | undefined;
  let ended: Promise<void> = Promise.resolve();
  const keeper = createLogKeeper({ name, url, settings, spoolDir: options.spoolDir, logger });
  let catalogue: Catalogue | undefined;
  let looking: Promise<Catalogue> | undefined;
  let isStale = true;
  let wasOwner = false;
  let known: Pick<KnownBackups, 'runs' | 'counts'> | undefined;
  let ticking: Promise<void> | undefined;

  function tell(event: BackupEvent): void {
    for (const listener of listeners) {
      try {
        listener(event);
      } catch (error) {
        logger.warn({ database: name, reason: messageOf(error) }, 'a listener failed');
      }
    }
  }
  const targetId = (): Promise<number> => {
    target ??= store.target(name).catch((error: unknown) => {
      target = undefined;
      throw error;
    });
    return target;
  };
  async function look(youngerMs = catalogueMs): Promise<Catalogue> {
    if (catalogue && !isStale && Date.now() - catalogue.at.getTime() < youngerMs) return catalogue;
    if (looking) return looking;
    // What is changed from here on may not be seen, and makes it stale again.
    isStale = false;
    looking = lookUp(() => openRepositories(settings))
      .then((found) => (catalogue = found))
      .finally(() => {
        looking = undefined;
      });
    return looking;
  }

  async function work(job: AskedBackup, workplace: Workplace): Promise<JobResult> {
    if (job.kind === 'full' || job.kind === 'incremental') return makeBackup(workplace, job.kind);
    if (job.kind === 'prune') return pruneAll(workplace);
    if (job.kind === 'verify') return verifyAll(workplace, job.backup);
    if (unprovable !== null)
      throw new PitcrewError('E_BACKUP_KEY', 'backups cannot be proven here', { detail: unprovable });
    return proveBackup(workplace, job.backup);
  }

  async function perform(job: AskedBackup, log: RunLog, state: RunningBackup): Promise<void> {
    const { kind, trigger, attempt, beganAt } = log.begun;
    tell({ type: 'backup-run', id: log.id, kind, state: 'running' });
    log.say(
      'info',
      `${trigger === 'hand' ? `Asked for by ${job.by}` : `By the schedule${attempt > 1 ? `, attempt ${attempt}` : ''}`}: ${titles[kind]}.`,
    );
    let result: JobResult = {};
    let failure: PitcrewError | undefined;
    try {
      result = await work(job, {
        url,
        settings,
        repositories: await openRepositories(settings),
        madeBy: options.madeBy,
        drillDir: settings.drillDir ?? options.drillDir,
        signal: stopping.signal,
        say: log.say,
        onProgress: (progress) => Object.assign(state, progress),
      });
      ({ failure } = result);
    } catch (error) {
      failure = toPitcrewError(error);
    }
    const endedAt = new Date();
    const isStopped = failure !== undefined && stopping.signal.aborted;
    if (failure)
      log.say(isStopped ? 'warn' : 'error', [failure.message, failure.detail, failure.hint].filter(Boolean).join('. '));
    else log.say('info', `Done in ${((endedAt.getTime() - beganAt.getTime()) / 1000).toFixed(1)} s.`);
    await log.end({
      endedAt,
      state: isStopped ? 'stopped' : failure ? 'failed' : 'done',
      backup: result.backup ?? null,
      bytes: result.bytes ?? null,
      storedBytes: result.storedBytes ?? null,
      error: failure ? runError(failure, passes(failure)) : null,
      report: result.report ?? null,
    });
  }

  async function begin(job: AskedBackup, by: Pick<Job, 'dueAt' | 'attempt'> | undefined): Promise<RunningBackup> {
    if (running)
      throw new PitcrewError('E_CONFLICT', 'another run is under way', { detail: `It is ${titles[running.kind]}.` });
    if (!isOwner()) {
      throw new PitcrewError('E_CONFLICT', `this daemon does not look after the backups of "${name}"`, {
        detail: 'Another one does, or the database is not watched now.',
      });
    }
    const state: RunningBackup = {
      id: null,
      kind: job.kind,
      trigger: by ? 'schedule' : 'hand',
      since: new Date(),
      attempt: by?.attempt ?? 1,
      phase: 'beginning',
      doneBytes: 0,
      totalBytes: null,
    };
    // From here on nobody else begins one.
    running = state;
    let log: RunLog;
    try {
      log = await openRunLog(
        { database: name, targetId: await targetId(), store: store.backups, logger },
        {
          kind: job.kind,
          trigger: state.trigger,
          askedBy: job.by,
          attempt: state.attempt,
          dueAt: by?.dueAt ?? null,
          repository: settings.repositories[0]?.location ?? '',
          beganAt: state.since,
          backup: job.backup ?? null,
        },
      );
    } catch (error) {
      running = undefined;
      throw error;
    }
    state.id = log.id;
    ended = perform(job, log, state)
      .catch((error: unknown) =>
        logger.error({ database: name, reason: messageOf(error) }, 'a run of backups ended oddly'),
      )
      .then(async () => {
        if (!(await log.write())) unwritten.push(...[log].slice(0, mostUnwritten));
        unwritten.splice(0, unwritten.length - mostUnwritten);
        isStale = true;
        running = undefined;
        tell({ type: 'backup-run', id: log.id, kind: job.kind, state: log.ended?.state ?? 'failed' });
      });
    return state;
  }

  async function takeOver(): Promise<void> {
    const error = {
      code: 'E_ABORTED',
      message: 'the daemon ended while it was under way',
      detail: null,
      hint: null,
      passes: true,
    };
    const except = running?.id === undefined || running.id === null ? [] : [running.id];
    const ids = await store.backups.abandonRuns(await targetId(), { at: new Date(), error, except });
    if (ids.length > 0)
      logger.warn({ database: name, runs: ids }, 'runs of backups were under way when a daemon ended');
    wasOwner = true;
  }

  async function tick(): Promise<void> {
    if (!isOwner()) {
      wasOwner = false;
      known = undefined;
      await keeper.stop();
      return;
    }
    await keeper.start();
    if (running || stopping.signal.aborted) return;
    if (!wasOwner) await takeOver();
    while (unwritten[0] && (await unwritten[0].write())) unwritten.shift();
    const id = await targetId();
    const [latest, counts] = await Promise.all([store.backups.latestRuns(id), store.backups.countRuns(id)]);
    const runs = withUnwritten(latest, unwritten);
    known = { runs, counts };
    const { backups } = await look(ownCatalogueMs);
    const drills = settings.drill === 'after-full' && unprovable === null;
    const job = nextJob({ now: new Date(), times, drills, runs, backups, retryAfterMs });
    if (job && !running && !stopping.signal.aborted)
      await begin({ kind: job.kind, by: 'pitcrew', backup: job.backup }, job);
  }

  function status(): BackupServiceStatus {
    const now = new Date();
    const next = (kind: 'full' | 'incremental' | 'verify'): Date | null => times[kind]?.next(now) ?? null;
    return {
      elsewhere: !isOwner(),
      running: running ?? null,
      next: { full: next('full'), incremental: next('incremental'), verify: next('verify') },
      log: keeper.log(),
      unprovable,
    };
  }

  let complaint: string | undefined;
  const timer = setInterval(() => {
    ticking ??= tick()
      .then(
        () => (complaint = undefined),
        (error: unknown) => {
          const reason = messageOf(error);
          if (reason !== complaint) logger.warn({ database: name, reason }, 'backups could not be looked after');
          complaint = reason;
        },
      )
      .then(() => {
        ticking = undefined;
      });
  }, options.tickMs ?? 5000);
  timer.unref();

  return {
    name,
    settings,
    targetId,
    status,
    catalogue: () => look(),
    known: () =>
      known &&
      catalogue && { ...known, catalogue, facts: factsOf({ settings, status: status(), catalogue, runs: known.runs }) },
    run: (asked) => begin(asked, undefined),
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async idle() {
      await ended;
    },
    async stop() {
      clearInterval(timer);
      stopping.abort();
      const all = Promise.allSettled([ticking, ended, keeper.stop()]);
      await Promise.race([all, delay(stopPatienceMs, undefined, { ref: false })]);
      listeners.clear();
    },
  };
}

const titles: Readonly<Record<BackupRunKind, string>> = {
  full: 'a full backup',
  incremental: 'an incremental backup',
  drill: 'a restore that proves a backup',
  verify: 'a check of what is stored',
  prune: 'a removal of what is too much',
};

/** Why a backup cannot be restored here: what is encrypted needs a secret key. */
function unprovableFor({ settings }: BackupServiceOptions): string | null {
  const [first] = settings.repositories;
  if (!first || first.recipients.length === 0) return null;
  if (first.identityFile !== undefined || first.passphraseFile !== undefined) return null;
  return `What is in ${first.location} is encrypted, and no identityFile is named for it.`;
}
