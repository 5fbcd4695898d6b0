import type { Config } from '../../config/index.ts';
import type { Level } from './types.ts';

export type LevelName = Level['name'];

/** Finest first; each width divides the next, so that roll-ups add up whole buckets. */
export const levelNames: readonly LevelName[] = ['raw', 'minute', 'quarterHour', 'hour'];

export const levelSeconds: Readonly<Record<LevelName, number>> = { raw: 10, minute: 60, quarterHour: 900, hour: 3600 };

const hourMs = 3_600_000;

/**
 * How much time one partition holds. A partition leaves as a whole, so it is a twelfth or less of the usual retention of
 * its level: what is kept too long stays small, and so does the number of partitions (about 12, 7, 13 and 26). Each is a
 * multiple of the next level's width, counted from 1970 in UTC.
 */
export const partitionMs: Readonly<Record<LevelName, number>> = {
  raw: 2 * hourMs,
  minute: 24 * hourMs,
  quarterHour: 7 * 24 * hourMs,
  hour: 28 * 24 * hourMs,
};

/** The level that `name` is made from; `undefined` for raw samples. */
export function finerLevel(name: LevelName): LevelName | undefined {
  return levelNames[levelNames.indexOf(name) - 1];
}

/** The level that is made from `name`; `undefined` for the coarsest. */
export function coarserLevel(name: LevelName): LevelName | undefined {
  return levelNames[levelNames.indexOf(name) + 1];
}

/** Levels with how long each is kept. */
export function levelsOf(retention: Config['store']['retention']): readonly Level[] {
  return levelNames.map((name) => ({ name, seconds: levelSeconds[name], retentionMs: retention[name] }));
}

/** The start of the bucket of `widthMs` that holds `time`, in ms since 1970. */
export function floorTo(time: number, widthMs: number): number {
  return Math.floor(time / widthMs) * widthMs;
}
