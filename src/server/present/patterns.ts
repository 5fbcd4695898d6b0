import type { StatementCounters, StatementSeriesAnswer, StatementTotals } from '../../ops/store/index.ts';
import type { QueryPatterns } from '../api/queries.ts';
import { meanMsOf, sumCounters } from './statements.ts';
import { ratio } from './values.ts';

type QueryPattern = QueryPatterns['patterns'][number];

/** What `sql` says of a statement's shape. */
export interface Shape {
  pattern: string;
  kind: QueryPattern['kind'];
  tables: string[];
}

/** Statements of one shape, in the range and in the one before. */
export interface PatternGroup extends Shape {
  ids: number[];
  now: StatementCounters;
  before: StatementCounters;
}

/** Calls below which a mean says too little for a trend. */
const minimumCalls = 10;
/** Relative change of the mean that counts as a change. */
const threshold = 0.2;

/** Groups statements by shape, most execution time first. One whose text we cannot read stands for itself. */
export function groupByPattern(
  now: readonly StatementTotals[],
  before: readonly StatementTotals[],
  shapeOf: (text: string) => Shape,
): PatternGroup[] {
  const groups = new Map<string, PatternGroup & { nowAll: StatementCounters[]; beforeAll: StatementCounters[] }>();
  const groupOf = (statement: StatementTotals) => {
    const unreadable: Shape = {
      pattern: `(text not readable, queryid ${statement.key.queryId})`,
      kind: 'other',
      tables: [],
    };
    const shape = statement.text === null ? unreadable : shapeOf(statement.text);
    const group = groups.get(shape.pattern) ?? {
      ...shape,
      ids: [],
      now: sumCounters([]),
      before: sumCounters([]),
      nowAll: [],
      beforeAll: [],
    };
    groups.set(shape.pattern, group);
    if (!group.ids.includes(statement.id)) group.ids.push(statement.id);
    return group;
  };
  for (const statement of now) groupOf(statement).nowAll.push(statement.counters);
  for (const statement of before) groupOf(statement).beforeAll.push(statement.counters);
  return [...groups.values()]
    .map(({ nowAll, beforeAll, ...group }) => ({ ...group, now: sumCounters(nowAll), before: sumCounters(beforeAll) }))
    .toSorted((a, b) => b.now.totalExecUs - a.now.totalExecUs || b.before.totalExecUs - a.before.totalExecUs);
}

/**
 * How a pattern changed against the range before: slower or faster when its mean moved by more than 20 % and both ranges
 * have at least 10 calls. `unknown` when the range before was not watched for at least half as long.
 */
export function trendOf(
  group: Pick<PatternGroup, 'now' | 'before'>,
  covered: { now: number; before: number },
): QueryPattern['trend'] {
  const { now, before } = group;
  if (covered.now === 0 || covered.before < covered.now / 2)
    return { direction: 'unknown', meanChange: null, callsChange: null };
  const meanNow = meanMsOf(now);
  const meanBefore = meanMsOf(before);
  const meanChange = change(meanBefore, meanNow);
  const callsChange = change(before.calls / covered.before, now.calls / covered.now);
  return { direction: direction(now.calls, before.calls, meanChange), meanChange, callsChange };
}

function direction(
  callsNow: number,
  callsBefore: number,
  meanChange: number | null,
): QueryPattern['trend']['direction'] {
  if (callsBefore === 0) return callsNow === 0 ? 'unknown' : 'new';
  if (callsNow === 0) return 'gone';
  if (meanChange === null || Math.min(callsNow, callsBefore) < minimumCalls) return 'unknown';
  if (meanChange > threshold) return 'slower';
  return meanChange < -threshold ? 'faster' : 'steady';
}

function change(before: number | null, now: number | null): number | null {
  const relative = before === null || now === null ? null : ratio(now, before);
  return relative === null ? null : relative - 1;
}

/** Execution time of several statements together, in ms per second. */
export function sumSparks(
  ids: readonly number[],
  series: ReadonlyMap<number, StatementSeriesAnswer>,
): QueryPattern['spark'] {
  const all = ids.flatMap((id) => series.get(id) ?? []);
  const points = new Map<number, { us: number; seconds: number }>();
  for (const { at, counters, coveredSeconds } of all.flatMap((answer) => answer.points)) {
    const point = points.get(at) ?? { us: 0, seconds: 0 };
    points.set(at, { us: point.us + counters.totalExecUs, seconds: Math.max(point.seconds, coveredSeconds) });
  }
  return [...points].toSorted(([a], [b]) => a - b).map(([at, { us, seconds }]) => [at, ratio(us / 1000, seconds)]);
}
