import type { z } from '@hono/zod-openapi';
import type { DatabaseMonitor } from '../../../ops/monitor/index.ts';
import type {
  History,
  StatementsAnswer,
  StatementSeriesAnswer,
  StatementsQuery,
  TimeRange,
} from '../../../ops/store/index.ts';
import type { analysisQuery, StatementSort } from '../../api/parameters.ts';
import type { StatementSummary } from '../../api/queries.ts';
import { summarise } from '../../present/statements.ts';
import { knownCourse } from '../../request/known-range.ts';
import type { Past } from '../../request/past.ts';
import { niceStep } from '../../request/range.ts';

const orderBy: Record<StatementSort, StatementsQuery['orderBy']> = {
  totalMs: 'totalExecUs',
  calls: 'calls',
  meanMs: 'meanUs',
  rows: 'rows',
  sharedRead: 'sharedRead',
  tempWritten: 'tempWritten',
  walBytes: 'walBytes',
  blockReadMs: 'blockReadUs',
};

type ListParameters = z.output<z.ZodObject<typeof analysisQuery>>;

/** The store's question for a list's parameters. */
export function statementsQuery({ targetId, range }: Past, query: ListParameters): StatementsQuery {
  return {
    targetId,
    ...range,
    ...filters(query),
    orderBy: orderBy[query.sort],
    descending: query.order === 'desc',
    limit: query.limit,
    offset: query.offset,
  };
}

/** The filters that lists and patterns share. */
export function filters(query: Pick<ListParameters, 'databaseName' | 'user' | 'search' | 'own'>) {
  return {
    own: query.own,
    ...(query.databaseName === undefined ? {} : { database: query.databaseName }),
    ...(query.user === undefined ? {} : { user: query.user }),
    ...(query.search === undefined ? {} : { search: query.search }),
  };
}

/** Points of the small charts in lists. */
const sparkPoints = 60;

/**
 * Summaries of a list's statements with their small charts, which one question to the store gives for all of them.
 * `share` is a share of everything that ran in the range, whatever the list's filters are.
 */
export async function summaries(
  history: History,
  monitor: DatabaseMonitor,
  answer: StatementsAnswer,
  slowMs: number,
): Promise<StatementSummary[]> {
  const ids = answer.statements.map(({ id }) => id);
  const fingerprints = [...new Set(answer.statements.flatMap(({ fingerprint }) => fingerprint ?? []))];
  const { from, to } = answer;
  const [sparks, allExecUs, applications] = await Promise.all([
    readSparks(history, monitor, answer, ids),
    executionTime(history, monitor, answer),
    history.applicationFigures({ targetId: monitor.targetId, from, to, fingerprints }),
  ]);
  const context = {
    coveredSeconds: answer.coveredSeconds,
    allExecUs: Math.max(allExecUs, answer.totals.totalExecUs),
    slowMs,
    sparks,
    applications,
    ownDatabase: monitor.status().server?.database,
  };
  return answer.statements.map((statement) => summarise(statement, context));
}

/** Courses of statements for small charts, in one question. */
export async function readSparks(
  history: History,
  { targetId }: DatabaseMonitor,
  range: TimeRange,
  ids: number[],
): Promise<ReadonlyMap<number, StatementSeriesAnswer>> {
  if (ids.length === 0) return new Map();
  return history.statementSeries({ targetId, ids, ...(await knownCourse(history, targetId, range, sparkPoints)) });
}

/** Execution time of all statements in a range, in microseconds. */
export async function executionTime(
  history: History,
  monitor: DatabaseMonitor,
  { from, to }: TimeRange,
): Promise<number> {
  const { series } = await history.series({
    targetId: monitor.targetId,
    from,
    to,
    names: ['statements.exec_seconds'],
    step: niceStep({ from, to }, sparkPoints),
  });
  const sums = series.flatMap(({ points }) => points.map(({ sum }) => sum ?? 0));
  return sums.reduce((all, sum) => all + sum, 0) * 1e6;
}
