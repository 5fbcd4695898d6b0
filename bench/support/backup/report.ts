import { aimsTable, find, show, table } from '../markdown.ts';
import type { Readings } from '../readings.ts';
import { atMost, type BenchAim, type BenchResult } from '../result.ts';

export const caseName = 'backup';
const pitcrewNames = ['Pitcrew', 'Pitcrew, encrypted'];

/** Metrics with their units, in the order of the table. */
export const metrics = {
  wall: ['wall time', 's'],
  cpu: ['CPU', 's'],
  serverCpu: ['CPU of the server', 's'],
  stored: ['stored', 'MB'],
  memory: ['peak memory', 'MB'],
  p99: ['p99 of pgbench', 'ms'],
  ready: ['restore to ready', 's'],
  restoreCpu: ['CPU of the restore', 's'],
  restoreMemory: ['peak memory of the restore', 'MB'],
  fetch: ['a segment of log', 'ms'],
} as const;

export function aimsOf(readings: Readings): BenchAim[] {
  const ratio = (metric: keyof typeof metrics, subject: string, other: string): number | undefined =>
    readings.ratio(caseName, metrics[metric][0], subject, other);
  const memory = pitcrewNames.flatMap((subject) =>
    [metrics.memory, metrics.restoreMemory].flatMap(([metric]) => readings.values(caseName, subject, metric)),
  );
  const aims: [string, number, number | undefined][] = [
    ['backup: wall time, Pitcrew / pgbackrest', 1.1, ratio('wall', 'Pitcrew', 'pgbackrest')],
    ['stored: bytes, Pitcrew / pgbackrest', 1.05, ratio('stored', 'Pitcrew', 'pgbackrest')],
    ['restore to ready: Pitcrew / pgbackrest', 1, ratio('ready', 'Pitcrew', 'pgbackrest')],
    ['encryption: wall time, encrypted / not', 1.15, ratio('wall', 'Pitcrew, encrypted', 'Pitcrew')],
    ['peak memory of Pitcrew, MB', 150, Math.max(...memory)],
  ];
  return aims.flatMap(([id, limit, value]) => (value === undefined ? [] : [atMost(id, limit, value)]));
}

/** The tables of docs/benchmarks.md. */
export function markdown(result: BenchResult): string {
  const subjects = [...new Set(result.rows.map(({ subject }) => subject))];
  const columns = Object.values(metrics);
  const header = ['', ...columns.map(([metric, unit]) => `${metric}, ${unit}`)];
  const rows = subjects.map((subject) => [
    subject,
    ...columns.map(([metric]) => show(find(result, caseName, subject, metric)?.median)),
  ]);
  return `${table(header, rows)}\n\n${aimsTable(result.aims)}`;
}
