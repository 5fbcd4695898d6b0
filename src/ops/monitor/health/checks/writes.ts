import { type CheckDefinition, critical, graded, notApplicable, ok, unknown, warning } from '../check.ts';
import { increase, notRead, notWatched, settingText, settingValue } from '../reading.ts';
import { bytes, count, counted, lately } from '../../../words/index.ts';

export const checkpoints: CheckDefinition = {
  id: 'checkpoints',
  title: 'Checkpoints',
  weight: 4,
  cap: null,
  thresholds:
    'warning from 50 % of at least 4 checkpoints in an hour being requested instead of timed; full loss at 100 %',
  source: '`pg_stat_checkpointer` (17 and newer), `pg_stat_bgwriter`',
  collector: 'instance',
  primaryOnly: true,
  judge(input) {
    const timed = increase(input, 'hour', 'checkpoints.timed');
    const requested = increase(input, 'hour', 'checkpoints.requested');
    if (!timed || !requested)
      return notWatched(input, 'Checkpoints', 'checkpoints.requested', ['checkpointer', 'bgwriter']);
    const all = timed.increase + requested.increase;
    const evidence = { timed: timed.increase, requested: requested.increase, seconds: timed.seconds };
    // One by one they say little: a base backup and CREATE DATABASE request a checkpoint too.
    if (requested.increase === 0) return ok(`No checkpoint was forced ${lately(timed.seconds)}`, evidence);
    if (all < 4) {
      return unknown(`Only ${counted(all, 'checkpoint')} ${lately(timed.seconds)}, too few to judge`, null, evidence);
    }
    const message = `${count(requested.increase)} of ${counted(all, 'checkpoint')} ${lately(timed.seconds)} came early because WAL grew fast`;
    return graded(
      requested.increase / all,
      { warning: 0.5, critical: 1 },
      {
        fine: `${count(timed.increase)} of ${counted(all, 'checkpoint')} ${lately(timed.seconds)} came by time`,
        evidence,
        neverCritical: true,
        problem: {
          message,
          advice: `Raise max_wal_size (now ${settingText(input, 'max_wal_size')}) until checkpoints come by checkpoint_timeout; a reload is enough.`,
        },
      },
    );
  },
};

const megabyte = 1024 ** 2;

export const temporaryFiles: CheckDefinition = {
  id: 'temporary-files',
  title: 'Temporary files',
  weight: 4,
  cap: null,
  thresholds: 'warning from 1 MB, full loss at 50 MB written per second over 5 minutes',
  source: '`pg_stat_database`: `temp_bytes`, `temp_files`',
  collector: 'instance',
  judge(input) {
    const written = increase(input, 'recent', 'database.temp_bytes');
    const files = increase(input, 'recent', 'database.temp_files');
    if (!written) return notWatched(input, 'Temporary files', 'database.temp_bytes', ['database']);
    const perSecond = written.increase / written.seconds;
    const message = `${bytes(written.increase)} went to temporary files ${lately(written.seconds)}`;
    return graded(
      perSecond,
      { warning: megabyte, critical: 50 * megabyte },
      {
        fine: written.increase === 0 ? `Nothing was spilled to temporary files ${lately(written.seconds)}` : message,
        evidence: { tempBytes: written.increase, files: files?.increase ?? null, bytesPerSecond: perSecond },
        neverCritical: true,
        problem: {
          message,
          advice:
            'Find the statements that write them (temporary blocks in the list of statements). An index can spare the sort; else ' +
            `raise work_mem (now ${settingText(input, 'work_mem')}) for the role that runs them.`,
        },
      },
    );
  },
};

export const archiving: CheckDefinition = {
  id: 'archiving',
  title: 'WAL archiving',
  weight: 6,
  cap: 69,
  thresholds: 'warning when archiving failed in the last 5 minutes, critical when it failed and nothing was archived',
  source: '`pg_stat_archiver`, `archive_mode`',
  collector: 'instance',
  judge(input) {
    const mode = settingValue(input, 'archive_mode');
    if (mode === undefined) return notRead(input, 'The settings', ['settings']);
    const standby = input.status.server?.isStandby ?? false;
    if (mode === 'off' || (standby && mode !== 'always'))
      return notApplicable('WAL is not archived here', { archiveMode: mode });
    const failures = increase(input, 'recent', 'wal.archive_failures');
    const archived = increase(input, 'recent', 'wal.archived');
    if (!failures || !archived) return notWatched(input, 'Archiving', 'wal.archive_failures', ['archiver']);
    const evidence = { failures: failures.increase, archived: archived.increase, seconds: failures.seconds };
    if (failures.increase === 0)
      return ok(`Archiving works (${counted(archived.increase, 'segment')} ${lately(archived.seconds)})`, evidence);
    const problem = {
      message:
        `Archiving WAL failed ${counted(failures.increase, 'time')} ${lately(failures.seconds)}` +
        (archived.increase === 0
          ? ', and nothing was archived'
          : `, ${counted(archived.increase, 'segment')} got through`),
      evidence,
      advice:
        "See the server's log for what archive_command or archive_library said. Until it works, WAL piles up on the disk and " +
        'backups cannot be rolled forward.',
    };
    return archived.increase === 0
      ? critical(problem)
      : warning(0.5 + failures.increase / (failures.increase + archived.increase) / 2, problem);
  },
};
