import { atLeast, atMost, type BenchAim, median } from '../result.ts';
import { floorName } from './plan.ts';
import type { Readings } from '../readings.ts';
import { caseOf } from './tables.ts';
import { caseTitles } from './workload.ts';

/** Statements per second, telemetry on, are to be so many times those of … */
const speeds = [
  { callers: 1, other: 'pg.Pool, named', times: 0.95 },
  { callers: 100, other: 'postgres.js', times: 2 },
  { callers: 100, other: 'pg.Pool, unnamed', times: 2 },
  { callers: 100, other: 'pg.Pool, named', times: 1.5 },
  { callers: 100, other: floorName, times: 0.85 },
  // What telemetry costs.
  { callers: 100, other: 'Pitcrew, telemetry off', times: 0.95 },
];

/** Judges what was measured; what was not is left out. */
export function aimsOf(readings: Readings): BenchAim[] {
  const point = (callers: number): string => caseOf(caseTitles.point, callers);
  const mixed = caseOf(caseTitles.mixed, 100);
  const aims = speeds.map(({ callers, other, times }) => {
    const ratio = readings.ratio(point(callers), 'statements', 'Pitcrew', other);
    return ratio === undefined ? [] : [atLeast(`${point(callers)}: Pitcrew / ${other}`, times, ratio)];
  });
  const slower = ['pg.Pool, named', 'pg.Pool, unnamed'].map((other) => {
    const ratio = readings.ratio(mixed, 'p99', 'Pitcrew', other);
    return ratio === undefined ? [] : [atMost(`${mixed}: p99 of quick statements, Pitcrew / ${other}`, 1, ratio)];
  });
  const acquires = readings.values(point(1000), 'Pitcrew', 'acquire p95');
  const acquire = acquires.length === 0 ? [] : [atMost(`${point(1000)}: acquire p95, ms`, 5, median([...acquires]))];
  return [...aims.flat(), ...slower.flat(), ...acquire, atMost('errors of all subjects', 0, readings.errors)];
}
