import type { Config } from '../../../../config/index.ts';
import type { CounterPoint, History, StatementCounters, StoredAdvice } from '../../../store/index.ts';
import { type Concerned, concernedBy } from './concerned.ts';
import { type Sample, sampleOf } from './sample.ts';
import { type Judgement, judge, type MeasuredStatement } from './verdict.ts';

/** What was measured of a change, as the store keeps it. */
export interface Measurement extends Judgement {
  /** Times in ISO 8601: what is compared with what. */
  before: { from: string; to: string };
  after: { from: string; to: string } | null;
  statements: (MeasuredStatement & Pick<Concerned, 'ids'>)[];
}

export interface MeasureOptions {
  history: History;
  targetId: number;
  /** Name of the database on its server, by which the history knows its statements. */
  database: string;
  bounds: Config['advisor']['measure'];
  now: Date;
}

/** Statistics are read every 10 s: what is written down within so much of the change may be of both times. */
const blurMs = 10_000;
/** Stretches of a course. */
const stretches = 200;

/**
 * Compares the statements that a change concerns, before and after. The time before is read once and kept, because the history of it
 * becomes coarser.
 */
export async function measure(options: MeasureOptions, advice: StoredAdvice): Promise<Measurement> {
  const { bounds, now } = options;
  const began = advice.applyBeganAt ?? advice.stateSince;
  const ended = advice.appliedAt ?? advice.stateSince;
  const known = advice.measurement as Measurement | null;
  const before = known
    ? { from: new Date(known.before.from), to: new Date(known.before.to) }
    : { from: new Date(began.getTime() - bounds.window), to: began };
  const measured = known?.statements ?? (await measureBefore(options, advice, before));
  const after = { from: new Date(ended.getTime() + blurMs), to: now };
  const isOver = after.from < after.to;
  const samples = isOver ? await samplesOf(options, measured, after) : new Map<string, Sample | null>();
  const statements = measured.map((statement) => ({ ...statement, after: samples.get(statement.queryId) ?? null }));
  return {
    ...judge(statements, bounds),
    before: isoRange(before),
    after: isOver ? isoRange(after) : null,
    statements,
  };
}

async function measureBefore(
  options: MeasureOptions,
  advice: StoredAdvice,
  range: { from: Date; to: Date },
): Promise<Measurement['statements']> {
  const { history, targetId, database } = options;
  const concerned = await concernedBy(history, { targetId, database, ...range }, advice);
  const samples = await samplesOf(options, concerned, range);
  return concerned.map((statement) => ({
    ...statement,
    before: samples.get(statement.queryId) ?? null,
    after: null,
  }));
}

async function samplesOf(
  { history, targetId }: MeasureOptions,
  statements: readonly Pick<Concerned, 'queryId' | 'ids'>[],
  { from, to }: { from: Date; to: Date },
): Promise<Map<string, Sample | null>> {
  const ids = statements.flatMap((statement) => statement.ids);
  if (ids.length === 0) return new Map();
  const step = Math.max(10, Math.ceil((to.getTime() - from.getTime()) / 1000 / stretches));
  const series = await history.statementSeries({ targetId, from, to, ids, step });
  return new Map(
    statements.map(({ queryId, ids: own }) => {
      const points = own.flatMap((id, index) => {
        const answer = series.get(id);
        const whole = within(answer?.points ?? [], { from, to }, (answer?.step ?? step) * 1000);
        // The same time is covered for each role that runs the statement.
        return index === 0 ? whole : whole.map((point) => ({ ...point, coveredSeconds: 0 }));
      });
      return [queryId, sampleOf(points)];
    }),
  );
}

/** Whole stretches only: the answer's range is widened, and what lies across the change is of both times. */
function within(
  points: readonly CounterPoint<StatementCounters>[],
  { from, to }: { from: Date; to: Date },
  stepMs: number,
): CounterPoint<StatementCounters>[] {
  const isNow = to.getTime() >= Date.now() - stepMs;
  return points.filter(({ at }) => at >= from.getTime() && (isNow || at + stepMs <= to.getTime()));
}

const isoRange = ({ from, to }: { from: Date; to: Date }) => ({ from: from.toISOString(), to: to.toISOString() });
