import { changeSetting, readStatementsInfo } from '../../../../engine/postgres/index.ts';
import { count } from '../../../words/index.ts';
import type { Check, CheckContext, Evidence, Finding } from '../../types.ts';
import { once } from '../readings.ts';
import { answer, unknown, untoldOf } from './answers.ts';
import { hoursBetween, knownTime, moment } from './known-time.ts';
import { readServerSettings } from './server-settings.ts';
import { settingRemedy } from './setting-remedy.ts';

export interface QueryStatisticsLimits {
  /** Rounds of evictions per hour; each drops a twentieth of the entries. */
  evictionsPerHour: number;
  leastHours: number;
}

const defaults: QueryStatisticsLimits = { evictionsPerHour: 1, leastHours: 1 };

/** Whether what is known of statements is whole. */
export function queryStatisticsCheck(limits: QueryStatisticsLimits = defaults): Check {
  return {
    id: 'query-statistics',
    title: 'Statistics of statements',
    documentation:
      '`pg_stat_statements` that forgets: entries are dropped for lack of room (`dealloc`) ' +
      `${limits.evictionsPerHour} time an hour or more often; \`pg_stat_statements.track\` none; \`compute_query_id\` off. Cannot tell where the extension is not ` +
      'loaded or not installed in this database: what statements cost is unknown then, and with it much of the advice. Its evidence says whether planning and I/O ' +
      'are timed. Source: `pg_stat_statements_info`; PostgreSQL documentation, "pg_stat_statements".',
    run: (context) => run(context, limits),
  };
}

async function run(context: CheckContext, limits: QueryStatisticsLimits) {
  const { profile } = context;
  const { statements } = profile;
  const settings = await readServerSettings(context);
  const setting = (
    name: string,
    value: string,
    title: string,
    explanation: string,
    evidence: Evidence[] = [],
  ): Finding => ({
    check: 'query-statistics',
    key: `query-statistics:${name}`,
    severity: 'warning',
    subject: { kind: 'setting', name },
    title,
    explanation,
    evidence,
    gain: null,
    remedy: settingRemedy(profile, settings, {
      name,
      value,
      risk: 'low',
      riskDetail: 'Counting costs a few percent of CPU at most.',
    }),
  });
  if (statements.max !== null && settings.isOff('compute_query_id')) {
    return answer(
      [
        setting(
          'compute_query_id',
          'auto',
          'compute_query_id is off',
          'Without query ids pg_stat_statements counts nothing.',
        ),
      ],
      '',
    );
  }
  if (!statements.usable) {
    const [why] = statements.skipped;
    return unknown(
      `What statements cost is not known: ${why?.reason ?? 'pg_stat_statements is not in use'}`,
      why?.fix ?? changeSetting(profile.flavour, 'shared_preload_libraries', 'pg_stat_statements', 'restart'),
    );
  }
  if (statements.track === 'none') {
    return answer(
      [
        setting(
          'pg_stat_statements.track',
          'top',
          'pg_stat_statements counts nothing',
          'pg_stat_statements.track is none.',
        ),
      ],
      '',
    );
  }
  const evidence: Evidence[] = [
    { label: 'Room for statements', value: statements.max },
    { label: 'Planning is timed', value: statements.trackPlanning },
    { label: 'I/O is timed', value: profile.trackIoTiming },
  ];
  const { rows, skipped } = await once(context, readStatementsInfo);
  const [info] = rows;
  const known = await knownTime(context);
  if (!known)
    return unknown('Statements are counted, but how long is hidden, and so whether many of them were dropped');
  if (!info?.statsReset) return answer([], 'Statements are counted', { evidence, untold: untoldOf(skipped) });
  const hours = Math.max(limits.leastHours, hoursBetween(info.statsReset, known.now));
  const perHour = info.dealloc / hours;
  const max = statements.max ?? 5000;
  if (info.dealloc === 0 || perHour < limits.evictionsPerHour) {
    return answer([], `Statements are counted since ${moment(info.statsReset)}, and next to none was dropped`, {
      evidence,
    });
  }
  return answer(
    [
      setting(
        'pg_stat_statements.max',
        String(Math.min(50_000, Math.max(10_000, max * 2))),
        `pg_stat_statements has too little room: it dropped statements ${count(info.dealloc)} times since ${moment(info.statsReset)}`,
        'The least used twentieth of all statements is dropped each time, so that what is known of seldom ones begins anew. Often one statement ' +
          'in very many spellings is the reason: lists of different length, or names of temporary tables.',
        [{ label: 'Dropped per hour', value: perHour }, ...evidence],
      ),
    ],
    '',
  );
}

export const queryStatistics = queryStatisticsCheck();
