import type { CachePart, CacheReport } from '../caches/types.ts';
import { families } from '../families.ts';
import { floorTo } from '../levels.ts';
import type {
  ActivityFigures,
  ApplicationCounters,
  CallerCounters,
  LatencyCounts,
  ParameterValues,
  ReceivedReport,
} from './types.ts';

/** A report with its names resolved to numbers. */
export interface PreparedReport {
  received: ReceivedReport;
  applicationId: number;
  /** The application's number for all its statements together. */
  wholeId: number;
  statements: PreparedStatement[];
  callers: { id: number; counters: CallerCounters; most: number }[];
  activities: PreparedActivity[];
  caches: PreparedCache[];
}

/** What a report tells of one statement. */
export interface PreparedStatement {
  id: number;
  counters: ApplicationCounters;
  maxUs: number;
  latency: LatencyCounts;
  /** As it was told of. */
  fingerprint: string;
  text: string;
  parameters: readonly ParameterValues[];
}

/** What a report tells of one cache. */
export interface PreparedCache {
  id: number;
  cache: CacheReport;
  parts: { id: number; part: CachePart }[];
}

/** What a report tells of one activity. */
export interface PreparedActivity {
  id: number;
  figures: ActivityFigures;
  /** It is also counted since it was first seen. */
  totalled: boolean;
}

/** More would spoil every sum it gets into. */
const largest = 1e15;

/** A count or a time as it is stored. */
export const amount = (value: number): number => Math.min(Math.round(value), largest);

/** Whose row it is, and when. */
export interface RowKey {
  targetId: number;
  id: number;
  at: number;
}

/** When the rows of a report are: its end belongs to the time before it. In ms since 1970. */
export function timeOf({ at }: ReceivedReport, family: 'application' | 'caller' | 'activity' | 'cache'): number {
  return floorTo(at.getTime() - 1, (families[family].rawSeconds ?? 1) * 1000);
}

/** Two daemons that write the same rows do so in one order, and do not wait for each other in a circle. */
export function inOrder<Entry extends { row: RowKey }>(entries: ReadonlyMap<string, Entry>): Entry[] {
  return [...entries.values()].toSorted((a, b) => a.row.id - b.row.id || a.row.at - b.row.at);
}

export function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
