import { type CheckDefinition, critical, graded, type Judgement, notApplicable, ok, warning } from '../check.ts';
import type { HealthInput } from '../input.ts';
import { increase, latestSeries, latestValue, notRead, notWatched, settingValue } from '../reading.ts';
import { bytes, count, counted, duration, lately, listed } from '../../../words/index.ts';

const subjects = ['replication', 'statistics of other users'];
const lagThresholds = { warning: 5, critical: 60 };

export const replicationLag: CheckDefinition = {
  id: 'replication-lag',
  title: 'Replication lag',
  weight: 8,
  cap: 69,
  thresholds: 'warning from 5 s, critical from 60 s; on a standby also critical when it receives nothing',
  source: '`pg_stat_replication`: `replay_lag`; on a standby `pg_last_xact_replay_timestamp()`, `pg_stat_wal_receiver`',
  collector: 'instance',
  judge: (input) => (input.status.server?.isStandby ? ownLag(input) : replicaLag(input)),
};

function replicaLag(input: HealthInput): Judgement {
  const replicas = latestValue(input, 'replication.replicas');
  if (replicas === undefined) return notRead(input, 'The replicas', subjects);
  if (replicas === 0) return notApplicable('No replica is attached', { replicas });
  const lags = latestSeries(input, 'replication.replay_lag_seconds').toSorted((a, b) => b.value - a.value);
  const worst = lags[0];
  // A replica that has replayed everything reports no lag at all.
  if (!worst) return ok(`${counted(replicas, 'replica')} up to date`, { replicas });
  const name = worst.labels['replica'] ?? 'a replica';
  const behind = latestSeries(input, 'replication.replay_lag_bytes').find(({ labels }) => labels['replica'] === name);
  const late = lags.filter(({ value }) => value >= lagThresholds.warning);
  return graded(worst.value, lagThresholds, {
    fine: `${counted(replicas, 'replica')} at most ${duration(worst.value)} behind`,
    evidence: { replicas, late: late.length, replica: name, lagSeconds: worst.value, lagBytes: behind?.value ?? null },
    problem: {
      message:
        `Replica ${name} is ${duration(worst.value)} behind${behind ? ` (${bytes(behind.value)} of WAL)` : ''}` +
        (late.length > 1 ? `; ${count(late.length)} of ${count(replicas)} replicas are late` : ''),
      advice:
        "Look for a long query on the replica that holds replay up, for a busy disk or CPU there, and at the network's speed. " +
        'Until then send reads that must be fresh to the primary.',
    },
  });
}

function ownLag(input: HealthInput): Judgement {
  const lag = latestValue(input, 'replication.own_lag_seconds');
  const behind = latestValue(input, 'replication.own_lag_bytes') ?? null;
  const fromArchiveOnly = settingValue(input, 'primary_conninfo') === '';
  if (input.walReceiver === null && !fromArchiveOnly) {
    return critical({
      message: 'This standby receives no WAL: it is not connected to its primary',
      evidence: { walReceiver: null, lagSeconds: lag ?? null, lagBytes: behind },
      advice: "Check primary_conninfo, whether the primary runs, and the standby's log.",
    });
  }
  if (lag === undefined || (input.walReceiver === undefined && lag < lagThresholds.warning)) {
    return notRead(input, "The standby's own lag", ['standby', 'wal receiver']);
  }
  const evidence = { walReceiver: input.walReceiver?.status ?? null, lagSeconds: lag, lagBytes: behind };
  return graded(lag, lagThresholds, {
    fine: lag === 0 ? 'This standby has replayed all it received' : `This standby is ${duration(lag)} behind`,
    evidence,
    problem: {
      message: `This standby is ${duration(lag)} behind`,
      advice:
        'Look for long queries here that hold replay up (max_standby_streaming_delay), for a busy disk, and whether replay was ' +
        'paused: SELECT pg_is_wal_replay_paused();',
    },
  });
}

export const lostReplicas: CheckDefinition = {
  id: 'lost-replicas',
  title: 'Replicas',
  weight: 6,
  cap: 69,
  thresholds: 'warning when a replica of the last 24 hours is gone, critical when none is left',
  source: '`pg_stat_replication` over time',
  collector: 'instance',
  judge(input) {
    const replicas = latestValue(input, 'replication.replicas');
    if (replicas === undefined) {
      return input.status.server?.isStandby
        ? notApplicable('A standby without replicas of its own')
        : notRead(input, 'The replicas', subjects);
    }
    const { lostReplicas: lost } = input.window;
    const evidence = { replicas, lost: lost.length };
    if (lost.length === 0) {
      return replicas === 0
        ? notApplicable('No replica is attached', evidence)
        : ok(`${counted(replicas, 'replica')} ${replicas === 1 ? 'is' : 'are'} streaming`, evidence);
    }
    const last = lost.toSorted((a, b) => b.lastSeen.getTime() - a.lastSeen.getTime())[0];
    const ago = last ? duration((input.now.getTime() - last.lastSeen.getTime()) / 1000) : '';
    const problem = {
      message:
        `${listed(lost.map(({ name }) => name))} stopped streaming` +
        (lost.length === 1 ? ` ${ago} ago` : `, the last ${ago} ago`) +
        (replicas === 0 ? '; no replica is left' : `; ${counted(replicas, 'replica')} left`),
      evidence,
      advice:
        'Check that the replica runs and its log. If it was removed on purpose, drop its replication slot; this notice goes by itself a day after.',
    };
    return replicas === 0 ? critical(problem) : warning(lost.length / (lost.length + replicas), problem);
  },
};

export const recoveryConflicts: CheckDefinition = {
  id: 'recovery-conflicts',
  title: 'Recovery conflicts',
  weight: 4,
  cap: null,
  thresholds: 'on a standby: warning from 1 query cancelled by recovery in an hour, full loss at 60',
  source: '`pg_stat_database_conflicts`',
  collector: 'instance',
  judge(input) {
    if (!input.status.server?.isStandby) return notApplicable('Only a standby has recovery conflicts');
    const found = increase(input, 'hour', 'database.conflicts');
    if (!found) return notWatched(input, 'Conflicts with recovery', 'database.conflicts', ['conflicts']);
    return graded(
      found.increase,
      { warning: 1, critical: 60 },
      {
        fine: `Recovery cancelled no query ${lately(found.seconds)}`,
        evidence: { conflicts: found.increase, seconds: found.seconds },
        neverCritical: true,
        problem: {
          message: `Recovery cancelled ${counted(found.increase, 'query', 'queries')} ${lately(found.seconds)}`,
          advice:
            'Turn hot_standby_feedback on, or raise max_standby_streaming_delay when this standby may be late: ' +
            'rows that its queries still need were removed on the primary.',
        },
      },
    );
  },
};
