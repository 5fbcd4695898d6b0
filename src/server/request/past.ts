import type { DatabaseMonitor } from '../../ops/monitor/index.ts';
import type { History } from '../../ops/store/index.ts';
import { type AppContext, historyOf, pickMonitor } from '../context.ts';
import { knownCourse } from './known-range.ts';
import { chartPoints, type Range, rangeOf } from './range.ts';

/** What every answer about a time begins with: whose, when, and what is remembered. */
export interface Past {
  monitor: DatabaseMonitor;
  /** The store's number of the database. */
  targetId: number;
  range: Range;
  history: History;
}

interface PastQuery {
  database?: string | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
  step?: number | undefined;
}

/** @throws {PitcrewError} `E_NOT_FOUND`, `E_BAD_REQUEST`, `E_STORE_UNAVAILABLE`: as what it is made of. */
export function pastOf(context: AppContext, query: PastQuery): Past {
  const monitor = pickMonitor(context, query.database);
  return { monitor, targetId: monitor.targetId, range: rangeOf(query), history: historyOf(context) };
}

/** The points of a course: of the width that was asked for, else as fine as what is known of the range lets them be. */
export async function courseOf({ history, targetId, range }: Past, query: PastQuery): Promise<Range> {
  return query.step === undefined ? knownCourse(history, targetId, range, chartPoints) : range;
}
