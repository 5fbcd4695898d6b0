import { readableIdentifier } from '../../../../sql/index.ts';
import { type CheckDefinition, graded, type Judgement, ok, unknown, warning } from '../check.ts';
import type { HealthInput, WindowSum } from '../input.ts';
import { increase, notWatched, settingText } from '../reading.ts';
import { count, counted, duration, lately, percent } from '../../../words/index.ts';

const source = '`pg_stat_statements`';
const subjects = ['pg_stat_statements'];
/** With fewer calls a mean is chance. */
const leastCalls = 20;

export const statementStatistics: CheckDefinition = {
  id: 'statement-statistics',
  title: 'Statement statistics',
  weight: 4,
  cap: null,
  thresholds: 'warning when missing or not readable, or from 10 evictions in an hour',
  source: '`pg_extension`, `pg_stat_statements`, `pg_stat_statements_info`',
  collector: null,
  judge(input) {
    const { server, collectors } = input.status;
    if (!server) return unknown('The server has not been asked yet');
    const collector = collectors.find(({ name }) => name === 'statements');
    if (server.statementsVersion === null) {
      return warning(1, {
        message: 'pg_stat_statements is not there, so it cannot be told which statements are slow',
        advice:
          "Add pg_stat_statements to shared_preload_libraries, restart the server, then run 'CREATE EXTENSION " +
          "pg_stat_statements;' in the watched database.",
      });
    }
    if (collector?.state === 'skipped') {
      return warning(1, {
        message: `Statement statistics cannot be read: ${collector.message ?? 'the server does not let us'}`,
        advice: `Run 'GRANT pg_monitor TO ${readableIdentifier(server.user)};' as a superuser.`,
      });
    }
    if (!collector?.lastSuccess) return unknown('Statement statistics have not been read yet');
    return evictions(input);
  },
};

function evictions(input: HealthInput): Judgement {
  const evicted = increase(input, 'hour', 'statements.evictions');
  const version = input.status.server?.statementsVersion ?? null;
  if (!evicted) return ok('Statement statistics are read', { version });
  const most = input.status.server?.statementsMax ?? null;
  return graded(
    evicted.increase,
    { warning: 10, critical: 1000 },
    {
      fine: 'Statement statistics are read',
      evidence: { version, evictions: evicted.increase, max: most },
      neverCritical: true,
      problem: {
        message:
          `pg_stat_statements ran out of room ${counted(evicted.increase, 'time')} ${lately(evicted.seconds)}, ` +
          'so rare statements are not counted in full',
        advice: `Raise pg_stat_statements.max (now ${most ?? settingText(input, 'pg_stat_statements.max')}), which needs a restart, or send values as parameters.`,
      },
    },
  );
}

/** Calls lately and another counter of the same statements; an answer when they cannot be judged. */
function ofCalls(
  input: HealthInput,
  name: 'statements.exec_seconds' | 'statements.slow_calls',
): Judgement | { calls: WindowSum; value: number } {
  const calls = increase(input, 'recent', 'statements.calls');
  const other = increase(input, 'recent', name);
  if (!calls || !other) return notWatched(input, 'The speed of statements', name, subjects);
  if (calls.increase < leastCalls) {
    return unknown(
      `Only ${counted(calls.increase, 'statement')} ran ${lately(calls.seconds)}, too few to judge`,
      null,
      {
        calls: calls.increase,
      },
    );
  }
  return { calls, value: other.increase };
}

export const meanStatementTime: CheckDefinition = {
  id: 'mean-statement-time',
  title: 'Mean statement time',
  weight: 8,
  cap: 69,
  thresholds: 'warning from 500 ms, critical from 1 s; not judged below 20 calls in 5 minutes',
  source,
  collector: 'statements',
  judge(input) {
    const found = ofCalls(input, 'statements.exec_seconds');
    if ('status' in found) return found;
    const mean = found.value / found.calls.increase;
    const message = `A statement takes ${duration(mean)} on average (${count(found.calls.increase)} ran ${lately(found.calls.seconds)})`;
    return graded(
      mean,
      { warning: 0.5, critical: 1 },
      {
        fine: message,
        evidence: { meanMs: mean * 1000, calls: found.calls.increase, seconds: found.calls.seconds },
        problem: {
          message,
          advice: 'Look at the statements with the largest share of the time: their plans show what they spend it on.',
        },
      },
    );
  },
};

export const slowStatements: CheckDefinition = {
  id: 'slow-statements',
  title: 'Slow statements',
  weight: 8,
  cap: 69,
  thresholds:
    'warning from 10 %, critical from 50 % of the calls being of statements whose mean is above the slow threshold; not judged below 20 calls in 5 minutes',
  source,
  collector: 'statements',
  judge(input) {
    const found = ofCalls(input, 'statements.slow_calls');
    if ('status' in found) return found;
    const share = found.value / found.calls.increase;
    const evidence = { slowCalls: found.value, calls: found.calls.increase, share };
    const message =
      found.value === 0
        ? `No statement was slow ${lately(found.calls.seconds)}`
        : `${percent(share)} of ${count(found.calls.increase)} statements ${lately(found.calls.seconds)} were slow`;
    return graded(
      share,
      { warning: 0.1, critical: 0.5 },
      {
        fine: message,
        evidence,
        problem: { message, advice: 'Sort the statements by mean time and look at the plans of the slowest.' },
      },
    );
  },
};
