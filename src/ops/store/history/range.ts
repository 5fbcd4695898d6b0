import { families } from '../families.ts';
import { rowsOf } from '../family-sql.ts';
import { finerLevel, levelNames, levelSeconds, type LevelName } from '../levels.ts';
import type { Family, TimeRange } from '../types.ts';
import type { Progress } from '../upkeep/roll-up.ts';

/** A stretch of time that is read from one level, in ms since 1970. */
export interface Segment {
  level: LevelName;
  from: number;
  to: number;
}

/** What is read for a question: aligned to buckets of `step` seconds. */
export interface Reading {
  from: number;
  to: number;
  step: number;
  segments: (family: Family) => Segment[];
}

/** More points than any screen has pixels would only cost memory: the step grows instead. */
const mostPoints = 5_000;

/**
 * Chooses the level for a range and a wanted step: the coarsest that is fine enough, or the finest that reaches back far
 * enough. Start and end are moved outwards to whole buckets.
 */
export function planReading(
  progress: Progress,
  asked: readonly Family[],
  range: TimeRange,
  wantedStep: number,
): Reading {
  const [from, to] = [range.from.getTime(), Math.max(range.from.getTime(), range.to.getTime())];
  const wanted = Math.max(wantedStep, Math.ceil((to - from) / 1000 / mostPoints));
  const level = chooseLevel(progress, asked, from, wanted);
  const width = levelSeconds[level];
  const step = Math.max(1, Math.ceil(wanted / width)) * width;
  const stepMs = step * 1000;
  const aligned = { from: Math.floor(from / stepMs) * stepMs, to: Math.ceil(to / stepMs) * stepMs };
  return { ...aligned, step, segments: (family) => segmentsOf(progress, family, level, aligned.from, aligned.to) };
}

/** The step for totals over a range: edges are cut to a hundredth or so of it, and few rows are read. */
export function stepForTotals({ from, to }: TimeRange): number {
  const seconds = (to.getTime() - from.getTime()) / 1000;
  if (seconds <= 15 * 60) return levelSeconds.raw;
  if (seconds <= 6 * 3600) return levelSeconds.minute;
  if (seconds <= 3 * 24 * 3600) return levelSeconds.quarterHour;
  return levelSeconds.hour;
}

function chooseLevel(progress: Progress, asked: readonly Family[], from: number, step: number): LevelName {
  const reachesBack = (level: LevelName): boolean =>
    asked.every((family) => (progress.get(`${family}/${level}`)?.keptFrom ?? -Infinity) <= from);
  const kept = levelNames.filter(reachesBack);
  const fineEnough = kept.filter((level) => levelSeconds[level] <= step);
  return fineEnough.at(-1) ?? kept[0] ?? 'hour';
}

/**
 * Rolled-up rows up to the watermark, then the finer level up to its own, and so on. Watermarks only move forward and
 * finer rows stay until the coarser level has them, so one that has moved since it was read still gives the right sum.
 */
function segmentsOf(progress: Progress, family: Family, chosen: LevelName, from: number, to: number): Segment[] {
  const segments: Segment[] = [];
  let start = from;
  for (let level: LevelName | undefined = chosen; level !== undefined; level = finerLevel(level)) {
    const watermark = level === 'raw' ? Infinity : (progress.get(`${family}/${level}`)?.rolledTo ?? -Infinity);
    const end = Math.min(to, watermark);
    if (end > start) segments.push({ level, from: start, to: end });
    start = Math.max(start, end);
  }
  return segments;
}

/** Collects parameters and gives their places: `$1`, `$2`, … */
export class Parameters {
  readonly values: unknown[] = [];

  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }
}

/** Rows of the segments (target_id, id, at and the family's columns) that fit `condition`. */
export function segmentRows(
  family: Family,
  segments: readonly Segment[],
  parameters: Parameters,
  condition: string,
): string {
  if (segments.length === 0) return `${rowsOf(families[family], 'raw')} WHERE false`;
  return segments
    .map(({ level, from, to }) => {
      const bounds = `at >= ${parameters.add(new Date(from))} AND at < ${parameters.add(new Date(to))}`;
      return `${rowsOf(families[family], level)} WHERE ${bounds} AND ${condition}`;
    })
    .join('\n      UNION ALL\n      ');
}

/** The number of the bucket that a row falls into, as an expression. */
export function bucketNumber(reading: Reading, parameters: Parameters): string {
  const origin = parameters.add(new Date(reading.from));
  // date_part, unlike extract, does not compute in numeric: half the time of a large query.
  return `floor(date_part('epoch', at - ${origin}::timestamptz) / ${reading.step})::integer`;
}

/** Starts of all buckets, in ms since 1970. */
export function bucketStarts({ from, to, step }: Reading): number[] {
  return Array.from({ length: Math.round((to - from) / (step * 1000)) }, (_, index) => from + index * step * 1000);
}

/** A course over the range of a reading: a point for each row, at the start of its bucket; `pointOf` says what is in it. */
export function courseOf<BucketRow extends { bucket: number }, Point extends object>(
  reading: Reading,
  rows: readonly BucketRow[],
  pointOf: (row: BucketRow) => Point,
): { from: Date; to: Date; step: number; points: ({ at: number } & Point)[] } {
  const starts = bucketStarts(reading);
  return {
    from: new Date(reading.from),
    to: new Date(reading.to),
    step: reading.step,
    points: rows.flatMap((row) => {
      const at = starts[row.bucket];
      return at === undefined ? [] : [{ at, ...pointOf(row) }];
    }),
  };
}
