import { marked } from '../../../../engine/postgres/index.ts';
import { duration, percent } from '../../../words/index.ts';
import type { Check, CheckContext, Finding } from '../../types.ts';
import { answer, answerWholly, unknown } from './answers.ts';
import { readServerSettings } from './server-settings.ts';
import { settingRemedy } from './setting-remedy.ts';
import { readStatementCosts, type StatementCost, untoldStatements } from './statement-costs.ts';

/** A statement of which so large a share went into compiling runs shorter without. */
const wastefulShare = 0.2;
/** Statements that take longer than this may gain more from it than it costs. */
const shortMs = 2000;
/** Less lost is not worth a setting: of the time of all statements. */
const leastShare = 0.02;

/** Compiling expressions (JIT) where that takes more time than it saves. */
export const jitCost: Check = {
  id: 'jit-cost',
  title: 'Just-in-time compilation',
  documentation:
    'Short statements that spend their time on compiling: of all time of statements, at least 2 % goes into compiling those that take less than 2 s on ' +
    'average and of which compiling is 20 % or more. Long statements gain from it and are left out. The remedy turns `jit` off for the server; a higher ' +
    '`jit_above_cost` keeps it for the costliest. Cannot tell without pg_stat_statements 1.10 (PostgreSQL 15) and the right to see the statements of other users (`pg_monitor`). Source: `pg_stat_statements` (`jit_…_time`); PostgreSQL ' +
    'documentation, "Just-in-Time Compilation".',
  run: (context) => run(context),
};

async function run(context: CheckContext) {
  const { connection, profile } = context;
  const settings = await readServerSettings(context);
  if (settings.isOff('jit')) return answer([], 'Nothing is compiled');
  const { costs, skipped } = await readStatementCosts(context);
  const [why] = skipped;
  if (!profile.statements.usable || !profile.statements.columns.has('jit_generation_time')) {
    if (!(await canCompile(connection))) return answer([], 'Nothing is compiled');
    return unknown(
      `How long compiling takes is not known: ${why?.reason ?? `it needs pg_stat_statements 1.10, found ${profile.statements.version}`}`,
      why?.fix ?? profile.statements.update,
    );
  }
  const waste = jitWaste(costs);
  if (waste.share < leastShare) {
    return answerWholly([], 'Compiling costs short statements next to nothing', {
      untold: untoldStatements(skipped, 'what compiling costs other statements'),
    });
  }
  const finding: Finding = {
    check: 'jit-cost',
    key: 'jit-cost:jit',
    severity: waste.share >= 0.1 ? 'warning' : 'info',
    subject: { kind: 'setting', name: 'jit' },
    title: `${percent(waste.share)} of the time of all statements goes into compiling short ones`,
    explanation:
      'Compiling pays for statements that evaluate expressions over very many rows. The planner decides by cost, and where costs are estimated too high it ' +
      'compiles what is over sooner than the compiling.',
    evidence: [
      { label: 'Compiling short statements', value: Math.round(waste.ms), unit: 'ms' },
      { label: 'jit_above_cost', value: settings.number('jit_above_cost') ?? null },
      ...waste.statements.slice(0, 5).map(({ queryId, text, meanMs, jitMs, calls }) => ({
        label: `Statement ${queryId}: ${duration(jitMs / calls / 1000)} of ${duration(meanMs / 1000)} a call`,
        value: text.slice(0, 300),
      })),
    ],
    gain: null,
    remedy: settingRemedy(profile, settings, {
      name: 'jit',
      value: 'off',
      risk: 'low',
      riskDetail:
        'Long analytical statements may take longer; set it on for the roles that run them (ALTER ROLE … SET jit = on).',
    }),
  };
  return answer([finding], '');
}

/** Whether the server has a compiler. It says so only to sessions in which `jit` is on, which it is not in ours. */
async function canCompile(connection: CheckContext['connection']): Promise<boolean> {
  return connection.rolledBack({ statementTimeoutMs: 5000, lockTimeoutMs: 100 }, async (transaction) => {
    await transaction.execute(marked('SET LOCAL jit = on'));
    const [row] = await transaction.execute<{ available: boolean }>(marked(`SELECT pg_jit_available() AS "available"`));
    return row?.available ?? false;
  });
}

/** What compiling costs where it does not pay. */
export function jitWaste(
  costs: readonly Pick<StatementCost, 'jitMs' | 'totalMs' | 'meanMs' | 'calls' | 'queryId' | 'text'>[],
) {
  const statements = costs
    .filter(({ jitMs, totalMs, meanMs }) => meanMs < shortMs && jitMs > 0 && jitMs / totalMs >= wastefulShare)
    .toSorted((a, b) => b.jitMs - a.jitMs);
  const ms = statements.reduce((sum, { jitMs }) => sum + jitMs, 0);
  const all = costs.reduce((sum, { totalMs }) => sum + totalMs, 0);
  return { statements, ms, share: all === 0 ? 0 : ms / all };
}
