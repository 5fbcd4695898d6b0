import { bytes, count } from '../../../../words/index.ts';
import type { CheckAnswer, CheckContext, Finding, Untold } from '../../../types.ts';
import { judged, unknown } from '../../answers.ts';
import { thresholdsOf } from '../../thresholds.ts';
import { type Named, spoken } from '../names.ts';
import { type ColumnStatistics, readColumnStatistics } from './column-statistics.ts';
import { type Measure, type Measured, openMeasure } from './exact.ts';
import { verdictOn, type Waste, wasteOf, wasteText } from './waste.ts';

/** Something that may be larger than it needs to be. */
export interface Sizable extends Named {
  oid: number;
  pages: number;
}

/** What differs between indexes and tables. */
export interface BloatOf<Item extends Sizable> {
  /** Reads those of so many pages or more, the largest first. */
  read(context: CheckContext, fromPages: number): Promise<Item[]>;
  /** Relations whose columns an item consists of. */
  relations(item: Item): readonly number[];
  estimate(item: Item, statistics: ReadonlyMap<number, ColumnStatistics[]>, context: CheckContext): Waste | Untold;
  measure(measure: Measure, item: Item): Promise<Measured>;
  describe(item: Item, waste: Waste, blockSize: number): Finding;
  /** What is said when nothing is found, before how many were looked at. */
  fine: string;
}

export const exactly = 'ask for exact answers, with the extension pgstattuple installed';

/** Estimates what each could be, measures what the estimate does not clear where exact answers are asked for, and judges. */
export async function judgeBloat<Item extends Sizable>(context: CheckContext, of: BloatOf<Item>): Promise<CheckAnswer> {
  const { connection, profile } = context;
  if (profile.isStandby)
    return unknown('On a standby it is not known how old the counts of rows are', 'ask the primary');
  const { bloatFromBytes } = thresholdsOf(context);
  const items = await of.read(context, Math.ceil(bloatFromBytes / profile.blockSize));
  const statistics = await readColumnStatistics(connection, [...new Set(items.flatMap((item) => of.relations(item)))]);
  const measure = context.exact && items.length > 0 ? await openMeasure(connection) : undefined;
  const findings: { finding: Finding; bytes: number }[] = [];
  const untold: Untold[] = measure && 'reason' in measure ? [measure] : [];
  for (const item of items) {
    const estimate = of.estimate(item, statistics, context);
    const isCleared = !('reason' in estimate) && verdictOn(estimate) === 'fine';
    const answer =
      measure && !('reason' in measure) && !isCleared
        ? measuredWaste(item, await of.measure(measure, item), profile.blockSize)
        : estimate;
    if ('reason' in answer) {
      untold.push(answer);
      continue;
    }
    const verdict = verdictOn(answer);
    if (verdict === 'bloated') {
      findings.push({ finding: of.describe(item, answer, profile.blockSize), bytes: answer.leastBytes });
    }
    if (verdict === 'uncertain') {
      untold.push({ reason: `${spoken(item)} may be bloated: ${wasteText(answer)} of it is empty`, fix: exactly });
    }
  }
  return judged({
    findings: findings.toSorted((a, b) => b.bytes - a.bytes).map(({ finding }) => finding),
    fine: `${of.fine} (${count(items.length)} of ${bytes(bloatFromBytes)} or more)`,
    untold,
  });
}

function measuredWaste(item: Sizable, measured: Measured, blockSize: number): Waste | Untold {
  if ('failed' in measured) return { reason: `${spoken(item)} could not be measured: ${measured.failed}`, fix: null };
  const { ideal, actual } = measured;
  return wasteOf({ low: ideal, expected: ideal, high: ideal }, actual, blockSize, true);
}
