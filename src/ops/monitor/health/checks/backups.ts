import {
  type CheckDefinition,
  critical,
  graded,
  type Judgement,
  notApplicable,
  ok,
  unknown,
  warning,
} from '../check.ts';
import type { BackupFacts, HealthInput } from '../input.ts';
import { bytes, counted, duration, listed } from '../../../words/index.ts';

const day = 86_400;
/** A backup that was not restored for so long is no proof of anything. */
const proofThresholds = { warning: 35 * day, critical: 90 * day };
/** Between a backup and its copy, in seconds. */
const soon = 900;
const source = 'the repositories and runs of `backups` in the settings';

export const backupAge: CheckDefinition = {
  id: 'backup-age',
  title: 'Latest backup',
  weight: 10,
  cap: 69,
  thresholds: 'warning when it is older than `maxBackupAge`, critical at twice that age or when there is none',
  source,
  collector: null,
  judge: (input) =>
    withFacts(input, (facts) => {
      if (facts.latestBackupAt === undefined)
        return unknown(`Not known: ${facts.repositories[0]?.error ?? 'the repository was not read yet'}`);
      if (facts.latestBackupAt === null) return noneYet(facts);
      const age = secondsSince(input, facts.latestBackupAt);
      const limit = facts.maxBackupAgeMs / 1000;
      const evidence = { ageSeconds: Math.round(age), limitSeconds: limit };
      return graded(
        age,
        { warning: limit, critical: 2 * limit },
        {
          fine: `The latest backup is ${duration(Math.max(1, age))} old`,
          evidence,
          problem: {
            message: `The latest backup is ${duration(age)} old, longer than the ${duration(limit)} that are allowed`,
            advice: facts.scheduled
              ? 'See why the last runs did not succeed: page Backups, "Failed".'
              : 'Give the settings times for it (backups: full, incremental), or make one now.',
          },
        },
      );
    }),
};

function noneYet({ running }: BackupFacts): Judgement {
  if (running) return unknown('The first backup is being made');
  return critical({
    message: 'There is no backup',
    evidence: { backups: 0 },
    advice: 'Make one now: page Backups, or "pitcrew backup create".',
  });
}

export const backupRuns: CheckDefinition = {
  id: 'backup-runs',
  title: 'Runs of backups',
  weight: 6,
  cap: null,
  thresholds: 'warning when a repository cannot be reached, or the last run of a kind has failed',
  source,
  collector: null,
  judge: (input) =>
    withFacts(input, ({ repositories, failed }) => {
      const away = repositories.filter(({ error }) => error !== null);
      const evidence = { repositories: repositories.length, unreachable: away.length, failed: failed.length };
      const [first] = away;
      if (first) {
        return warning(1, {
          message: `${listed(away.map(({ name }) => name))} cannot be reached: ${first.error}`,
          evidence,
          advice: 'Until it can be, no backup is made or kept there. See whether it is there, is full, or denies us.',
        });
      }
      const [last] = failed;
      if (!last) return ok('The last run of each kind has succeeded', evidence);
      const more = failed.length > 1 ? ` (and ${counted(failed.length - 1, 'more kind')})` : '';
      return warning(last.kind === 'verify' || last.kind === 'drill' ? 1 : 0.5, {
        message: `The last ${words[last.kind] ?? last.kind} failed${more}: ${last.message}`,
        evidence,
        advice: 'Page Backups, "Failed", shows what it told.',
      });
    }),
};

const words: Readonly<Record<string, string>> = {
  full: 'full backup',
  incremental: 'incremental backup',
  drill: 'restore drill',
  verify: 'check of what is stored',
  prune: 'removal of old backups',
};

export const backupCopies: CheckDefinition = {
  id: 'backup-copies',
  title: 'Copies of backups',
  weight: 6,
  cap: 69,
  thresholds:
    'warning when a copy failed, or a repository lacks backups of the first after 15 minutes; critical when one that it lacks is older than twice `maxBackupAge`',
  source,
  collector: null,
  judge: (input) =>
    withFacts(input, ({ repositories, behind, maxBackupAgeMs }) => {
      if (repositories.length < 2) return notApplicable('The settings name one repository');
      const [worst] = behind.toSorted((a, b) => a.since.getTime() - b.since.getTime());
      if (!worst) return ok('No copy that can be reached lacks a backup', { behind: 0 });
      const { name, backups, since, isEmpty, reason } = worst;
      const age = secondsSince(input, since);
      const others =
        behind.length > 1 ? `, as is ${listed(behind.flatMap((each) => (each === worst ? [] : [each.name])))}` : '';
      const what = isEmpty
        ? `${name} has none of the ${counted(backups, 'backup')} yet`
        : `The copy in ${name} is ${counted(backups, 'backup')} (${duration(Math.max(1, age))}) behind`;
      return graded(
        reason === null ? age : Math.max(age, soon),
        { warning: soon, critical: (2 * maxBackupAgeMs) / 1000 },
        {
          fine: 'The latest backup is about to be copied',
          evidence: { behind: behind.length, backups, seconds: Math.round(age) },
          problem: {
            message: `${what}${others}${reason === null ? '' : `: ${reason.replace(/\.$/, '')}`}`,
            advice:
              'What is not copied is lost with the first repository. The next backup catches up, or "pitcrew backup copy" at once.',
          },
          // A repository that was just named owes nothing of what is older.
          neverCritical: isEmpty,
        },
      );
    }),
};

export const backupLog: CheckDefinition = {
  id: 'backup-log',
  title: 'Log for backups',
  weight: 8,
  cap: 69,
  thresholds:
    'warning when log was not stored, or not received, for `maxLogLag`; critical at three times that, or when some of it is missing',
  source: '`backups.stream` of the settings, `pg_replication_slots`',
  collector: null,
  judge: (input) =>
    withFacts(input, (facts) => {
      if (!facts.streams) return notApplicable('The log is kept of the time of backups only');
      const { stream } = facts;
      if (!stream) return unknown('The log is not received yet');
      const slot = input.slots?.find((each) => each.slot === stream.slot);
      const evidence = {
        state: stream.state,
        lagSeconds: stream.lagMs === null ? null : stream.lagMs / 1000,
        retainedBytes: slot?.retainedBytes ?? null,
      };
      const held = slot?.retainedBytes ? `; the server holds back ${bytes(slot.retainedBytes)} for it` : '';
      if (stream.gap !== null) {
        return critical({
          message: `Log is missing: ${stream.gap}`,
          evidence,
          advice: 'Moments in that gap cannot be restored. Make a full backup now, so that what follows can be.',
        });
      }
      const limit = facts.maxLogLagMs / 1000;
      const thresholds = { warning: limit, critical: 3 * limit };
      if (stream.state !== 'streaming') {
        const since = secondsSince(input, stream.since);
        return graded(since, thresholds, {
          fine: 'The log is about to be received',
          evidence,
          problem: {
            message: `The log was not received for ${duration(since)}: ${stream.error ?? stream.state}${held}`,
            advice: 'What is not received cannot be restored to, and fills the disk of the server meanwhile.',
          },
        });
      }
      if (stream.lagMs === null) return unknown(`How far it is behind is not known${held}`, null, evidence);
      return graded(stream.lagMs / 1000, thresholds, {
        fine: `Log is stored at most ${duration(stream.lagMs / 1000)} after it is written`,
        evidence,
        problem: {
          message: `Log of the last ${duration(stream.lagMs / 1000)} is not stored yet${held}`,
          advice: 'See whether the repository is slow: what is not stored is lost with the server.',
        },
      });
    }),
};

export const backupProof: CheckDefinition = {
  id: 'backup-proof',
  title: 'Proven backups',
  weight: 6,
  cap: 69,
  thresholds:
    'warning when none was restored to prove it for 35 days; critical from 90 days, or when the last one was not as it should be',
  source,
  collector: null,
  judge: (input) =>
    withFacts(input, ({ drill, unprovable, latestBackupAt, drills }) => {
      if (drill && !drill.ok) {
        return critical({
          message: `A backup that was restored is not as it should be: ${drill.message}`,
          evidence: { drilledAt: drill.at.toISOString() },
          advice: 'Make a full backup now and prove it; the run of the drill shows what was found.',
        });
      }
      if (!drill && unprovable !== null) {
        return unknown('Whether backups can be restored is not known', unprovable);
      }
      if (!drill) {
        if (!latestBackupAt) return unknown('There is no backup that could be proven');
        const advice = drills
          ? null
          : 'Prove one: page Backups, "Restore drill", or drill: "after-full" in the settings.';
        return unknown('No backup was restored yet to prove it', advice);
      }
      const age = secondsSince(input, drill.at);
      return graded(age, proofThresholds, {
        fine: `A backup was restored to prove it ${duration(Math.max(1, age))} ago`,
        evidence: {
          drilledAt: drill.at.toISOString(),
          readySeconds: drill.readyMs === null ? null : drill.readyMs / 1000,
        },
        problem: {
          message: `No backup was restored to prove it for ${duration(age)}`,
          advice: 'Prove one: page Backups, "Restore drill", or drill: "after-full" in the settings.',
        },
      });
    }),
};

function withFacts({ backups }: HealthInput, judge: (facts: BackupFacts) => Judgement): Judgement {
  if (backups === null) return notApplicable('The settings have no backups of this database');
  return backups ? judge(backups) : unknown('The backups were not looked at yet');
}

const secondsSince = ({ now }: HealthInput, at: Date): number => Math.max(0, (now.getTime() - at.getTime()) / 1000);
