import { createHash } from 'node:crypto';
import { readTables, type TableRow } from '../../../../engine/postgres/index.ts';
import { readableName, tokenize } from '../../../../sql/index.ts';
import { count, duration, listed } from '../../../words/index.ts';
import type { Check, CheckContext, Finding } from '../../types.ts';
import { needed } from '../needed.ts';
import { once } from '../readings.ts';
import { answerWholly, judgedOnPrimary, unknown } from './answers.ts';
import { hoursBetween, knownTime } from './known-time.ts';
import { readStatementCosts, type StatementCost } from './statement-costs.ts';

export interface MaterialisedViewLimits {
  leastMeanMs: number;
  leastCalls: number;
  leastMsPerHour: number;
  /** Rows of the largest table that it reads, and at most so many rows given per call. */
  leastTableRows: number;
  mostRows: number;
  /** The part of a table's rows that changes in an hour. */
  mostChangedPerHour: number;
}

const defaults: MaterialisedViewLimits = {
  leastMeanMs: 200,
  leastCalls: 20,
  leastMsPerHour: 10_000,
  leastTableRows: 100_000,
  mostRows: 1000,
  mostChangedPerHour: 0.01,
};

/** Statements that sum up much of what seldom changes, again and again. */
export function materialisedViewCandidateCheck(limits: MaterialisedViewLimits = defaults): Check {
  return {
    id: 'materialised-view-candidate',
    title: 'Summaries worth keeping',
    documentation:
      `SELECTs that group or aggregate, take ${duration(limits.leastMeanMs / 1000)} on average and ${duration(limits.leastMsPerHour / 1000)} an hour in all, were called ` +
      `${limits.leastCalls} times or more, read a table of ${count(limits.leastTableRows)} rows or more, give at most ${count(limits.mostRows)} rows a call, and read ` +
      `tables of which at most ${limits.mostChangedPerHour * 100} % of the rows change in an hour: a materialised view would answer them from few rows. Whether ` +
      'results may be as old as the refresh is for a person to say, so nothing is applied. Cannot tell without pg_stat_statements, without the right to see the statements of other users (`pg_monitor`), and on a standby. Sources: ' +
      '`pg_stat_statements`, `pg_stat_user_tables`; PostgreSQL documentation, "Materialized Views".',
    run: (context) => run(context, limits),
  };
}

interface Candidate {
  cost: StatementCost;
  tables: readonly TableRow[];
  msPerHour: number;
  changedPerHour: number;
}

async function run(context: CheckContext, limits: MaterialisedViewLimits) {
  if (context.profile.isStandby) return judgedOnPrimary;
  const { costs, since, skipped } = await readStatementCosts(context);
  const [why] = skipped;
  if (!context.profile.statements.usable) {
    return unknown(
      `What statements cost is not known: ${why?.reason ?? 'pg_stat_statements is not in use'}`,
      why?.fix ?? null,
    );
  }
  const known = await knownTime(context);
  if (!known) return unknown('Since when the server counts is not known');
  const tables = Map.groupBy(needed(await once(context, readTables), 'The tables'), ({ name }) => name);
  // In the first hour a rate is of what was done just now.
  const statementHours = Math.max(1, since ? hoursBetween(since, known.now) : known.hours);
  const tableHours = Math.max(1, known.hours);
  const candidates = costs.flatMap((cost): Candidate[] => {
    const read = tablesOf(cost, tables);
    if (!isSummary(cost, read, limits)) return [];
    const msPerHour = cost.totalMs / statementHours;
    const changed = Math.max(...read.map((table) => changesOf(table) / Math.max(1, table.liveRows) / tableHours));
    if (msPerHour < limits.leastMsPerHour || changed > limits.mostChangedPerHour) return [];
    return [{ cost, tables: read, msPerHour, changedPerHour: changed }];
  });
  const untold = skipped.map(({ reason, fix }) => ({ reason, fix }));
  return answerWholly(candidates.map(finding), 'No statement sums up much of what seldom changes again and again', {
    untold,
  });
}

/** Empty when one of them is no table that we know: a view, or one of several of that name. */
function tablesOf({ tables }: StatementCost, known: ReadonlyMap<string, TableRow[]>): TableRow[] {
  const found = tables.map(({ schema, name }) => {
    const matching = (known.get(name) ?? []).filter((table) => schema === undefined || table.schema === schema);
    return matching.length === 1 ? matching[0] : undefined;
  });
  return found.every((table) => table !== undefined) ? found : [];
}

function isSummary(cost: StatementCost, tables: readonly TableRow[], limits: MaterialisedViewLimits): boolean {
  return (
    cost.kind === 'select' &&
    cost.meanMs >= limits.leastMeanMs &&
    cost.calls >= limits.leastCalls &&
    cost.rows / cost.calls <= limits.mostRows &&
    tables.some(({ liveRows, estimatedRows }) => (estimatedRows ?? liveRows) >= limits.leastTableRows) &&
    aggregates(cost.text)
  );
}

const functions = new Set([
  'count',
  'sum',
  'avg',
  'min',
  'max',
  'array_agg',
  'string_agg',
  'jsonb_agg',
  'json_agg',
  'percentile_cont',
  'percentile_disc',
  'stddev',
  'variance',
]);

function aggregates(text: string): boolean {
  const words = tokenize(text)
    .filter(({ kind }) => kind === 'word')
    .map((token) => token.text.toLowerCase());
  if (words.includes('for') && words.includes('update')) return false;
  return words.some((word, at) => functions.has(word) || (word === 'group' && words[at + 1] === 'by'));
}

function changesOf({ inserts, updates, deletes, liveRows }: TableRow): number {
  // What the table was loaded with is no change of every day: a table that was filled once and left alone counts as quiet.
  return Math.max(0, inserts - liveRows) + updates + deletes;
}

function finding({ cost, tables, msPerHour, changedPerHour }: Candidate): Finding {
  const names = tables.map(({ schema, name }) => readableName(schema, name));
  const view = `summary_${createHash('sha256').update(cost.queryId).digest('hex').slice(0, 8)}`;
  const placeholders = new Set(cost.text.match(/\$\d+/g)).size;
  return {
    check: 'materialised-view-candidate',
    key: `materialised-view-candidate:${cost.queryId}`,
    severity: 'info',
    subject: { kind: 'statement', name: cost.queryId },
    title: `A statement sums up ${listed(names)} in ${duration(cost.meanMs / 1000)}, ${count(cost.calls)} times, for ${count(cost.rows / cost.calls)} rows`,
    explanation:
      'What it reads seldom changes, so most of these calls compute the same again. A materialised view keeps the result, and an index on it finds the rows at once.',
    evidence: [
      { label: 'Statement', value: cost.text.slice(0, 1000) },
      { label: 'Mean time', value: cost.meanMs, unit: 'ms' },
      { label: 'Time per hour', value: Math.round(msPerHour), unit: 'ms' },
      { label: 'Calls', value: cost.calls },
      { label: 'Rows changed per hour, at most', value: changedPerHour, unit: 'ratio' },
    ],
    gain: { msPerHour },
    remedy: {
      kind: 'manual',
      fix: placeholders === 0 ? [`CREATE MATERIALIZED VIEW ${view} AS ${cost.text}`] : [],
      undo: placeholders === 0 ? [`DROP MATERIALIZED VIEW ${view}`] : [],
      risk: 'medium',
      riskDetail:
        `Results are as old as the last refresh: every ${refreshEvery(changedPerHour)} suits how much changes. Give the view a unique index over the ` +
        'columns that it is grouped by, so that REFRESH MATERIALIZED VIEW CONCURRENTLY does not keep readers waiting, and let the application read the view.' +
        (placeholders === 0
          ? ''
          : ` The statement has ${placeholders} placeholders: constants that never change belong into the view, the others become columns that it is grouped by.`),
      appliable: false,
    },
  };
}

function refreshEvery(changedPerHour: number): string {
  if (changedPerHour < 0.0001) return 'night';
  return changedPerHour < 0.001 ? 'hour' : '15 minutes';
}

export const materialisedViewCandidate = materialisedViewCandidateCheck();
