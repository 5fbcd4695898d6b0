import { type CheckDefinition, graded } from '../check.ts';
import { latestValue, notRead, settingNumber } from '../reading.ts';
import { count, percent } from '../../../words/index.ts';

/** Default of vacuum_failsafe_age and vacuum_multixact_failsafe_age: from here VACUUM drops everything else to be quick. */
const failsafeAge = 1_600_000_000;
/** Ids are compared modulo 2^32, so 2^31 is as old as one can be. */
const oldestPossible = 2 ** 31;
/** Autovacuum starts at its freeze age; half as much again means that it does not get done. */
const lateness = 1.5;
const latestWarning = 1_200_000_000;

export const wraparound: CheckDefinition = {
  id: 'wraparound',
  title: 'Transaction id wraparound',
  weight: 10,
  cap: 59,
  thresholds:
    'warning from 1.5 × `autovacuum_freeze_max_age` (at most 1.2 billion), critical from 1.6 billion, the default of `vacuum_failsafe_age`; the same for multixacts',
  source:
    '`pg_database`: `age(datfrozenxid)`, `mxid_age(datminmxid)`; PostgreSQL manual, "Preventing Transaction ID Wraparound Failures"',
  collector: 'instance',
  primaryOnly: true,
  judge(input) {
    const xidAge = latestValue(input, 'database.xid_age');
    const mxidAge = latestValue(input, 'database.mxid_age');
    if (xidAge === undefined) return notRead(input, 'The age of transaction ids', ['database']);
    const xids = settingNumber(input, 'autovacuum_freeze_max_age') ?? 200_000_000;
    const mxids = settingNumber(input, 'autovacuum_multixact_freeze_max_age') ?? 400_000_000;
    const xid = { what: 'transaction id', age: xidAge, warning: Math.min(xids * lateness, latestWarning) };
    const mxid = { what: 'multixact id', age: mxidAge ?? 0, warning: Math.min(mxids * lateness, latestWarning) };
    const worst = mxid.age / mxid.warning > xid.age / xid.warning ? mxid : xid;
    const evidence = { xidAge, mxidAge: mxidAge ?? null, warningAge: worst.warning, oldestPossible };
    return graded(
      worst.age,
      { warning: worst.warning, critical: failsafeAge },
      {
        fine: `Transaction ids are ${percent(xidAge / oldestPossible)} of the way to wraparound`,
        evidence,
        problem: {
          message:
            `The oldest ${worst.what} is ${count(worst.age)} old, ${percent(worst.age / oldestPossible)} of the way to ` +
            'wraparound, where the server stops taking writes',
          advice:
            'Find what keeps VACUUM from freezing (long transactions, forgotten prepared transactions, replication slots), end it, ' +
            'then VACUUM (FREEZE) the oldest tables: SELECT oid::regclass, age(relfrozenxid) FROM pg_class ' +
            "WHERE relkind IN ('r', 'm', 't') ORDER BY 2 DESC LIMIT 20;",
        },
      },
    );
  },
};
