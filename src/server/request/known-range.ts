import type { History, TimeRange } from '../../ops/store/index.ts';
import { niceStep, type Range } from './range.ts';

/** A course of less than this shows nothing: 5 minutes. */
const shortestMs = 5 * 60_000;

/** A beginning of which nothing is known stays when it is no larger than this share of the range. */
const smallPart = 0.05;

/**
 * The part of a range that is worth drawing: what was before history begins (Pitcrew was just started) is left out, so
 * that points can be as fine as the time that there is.
 */
async function knownRange(history: History, targetId: number, { from, to }: TimeRange): Promise<TimeRange> {
  const { series } = await history.series({
    targetId,
    from,
    to,
    names: ['pitcrew.covered_seconds'],
    step: niceStep({ from, to }, 720),
  });
  const begin = Math.min(...series.flatMap(({ points }) => points.find(({ value }) => value !== null)?.at ?? []));
  if (!Number.isFinite(begin) || begin - from.getTime() < (to.getTime() - from.getTime()) * smallPart)
    return { from, to };
  const known = { from: new Date(Math.min(begin, to.getTime() - shortestMs)), to };
  // The first look at a long range is coarse: look again at what is left of it.
  return known.from > from ? knownRange(history, targetId, known) : { from, to };
}

/** What is known of a range, in at most about `points` points. */
export async function knownCourse(
  history: History,
  targetId: number,
  range: TimeRange,
  points: number,
): Promise<Range> {
  const known = await knownRange(history, targetId, range);
  return { ...known, step: niceStep(known, points) };
}
