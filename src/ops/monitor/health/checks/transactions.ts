import { type CheckDefinition, graded, ok, unknown } from '../check.ts';
import { increase, notWatched } from '../reading.ts';
import { count, counted, lately, percent } from '../../../words/index.ts';

const subjects = ['database'];

export const rollbacks: CheckDefinition = {
  id: 'rollbacks',
  title: 'Errors',
  weight: 6,
  cap: 69,
  thresholds:
    'warning from 1 %, critical from 5 % of transactions rolled back; not judged below 100 transactions in 5 minutes',
  source: '`pg_stat_database`: `xact_rollback`, `xact_commit`',
  collector: 'instance',
  judge(input) {
    const commits = increase(input, 'recent', 'database.commits');
    const rolledBack = increase(input, 'recent', 'database.rollbacks');
    if (!commits || !rolledBack) return notWatched(input, 'Rollbacks', 'database.rollbacks', subjects);
    const all = commits.increase + rolledBack.increase;
    const evidence = { rollbacks: rolledBack.increase, transactions: all, seconds: commits.seconds };
    if (rolledBack.increase === 0 && all > 0)
      return ok(`No transaction was rolled back ${lately(commits.seconds)}`, evidence);
    if (all < 100) {
      return unknown(
        `${count(rolledBack.increase)} of ${counted(all, 'transaction')} were rolled back ${lately(commits.seconds)}, too few to judge`,
        null,
        evidence,
      );
    }
    const share = rolledBack.increase / all;
    const message = `${percent(share)} of ${count(all)} transactions were rolled back ${lately(commits.seconds)}`;
    return graded(
      share,
      { warning: 0.01, critical: 0.05 },
      {
        fine: message,
        evidence,
        problem: {
          message,
          advice:
            "Look for ERROR lines in the server's log: failed statements end their transaction. Applications that roll " +
            'back on purpose, for example after reading, should commit instead.',
        },
      },
    );
  },
};

export const deadlocks: CheckDefinition = {
  id: 'deadlocks',
  title: 'Deadlocks',
  weight: 4,
  cap: 69,
  thresholds: 'warning from 1, critical from 60 in an hour',
  source: '`pg_stat_database`: `deadlocks`',
  collector: 'instance',
  judge(input) {
    const found = increase(input, 'hour', 'database.deadlocks');
    if (!found) return notWatched(input, 'Deadlocks', 'database.deadlocks', subjects);
    return graded(
      found.increase,
      { warning: 1, critical: 60 },
      {
        fine: `No deadlock ${lately(found.seconds)}`,
        evidence: { deadlocks: found.increase, seconds: found.seconds },
        problem: {
          message: `${counted(found.increase, 'deadlock')} ${lately(found.seconds)}`,
          advice:
            "The server's log names the statements of each deadlock. Let all transactions touch the same rows in the same " +
            'order, for example sorted by key, and repeat a transaction that fails with SQLSTATE 40P01.',
        },
      },
    );
  },
};
