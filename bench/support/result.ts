import { availableParallelism, cpus, totalmem } from 'node:os';

/** What a benchmark prints with `--json`. */
export interface BenchResult {
  name: string;
  versions: Record<string, string>;
  machine: Record<string, string | number>;
  rows: BenchRow[];
  aims: BenchAim[];
}

export interface BenchRow {
  case: string;
  subject: string;
  metric: string;
  unit: string;
  median: number;
  min: number;
  max: number;
}

export interface BenchAim {
  id: string;
  /** `≥ 0.997` */
  aim: string;
  measured: number;
  met: boolean;
}

/** One row from the values of all rounds. */
export function row(labels: Pick<BenchRow, 'case' | 'subject' | 'metric' | 'unit'>, values: number[]): BenchRow {
  return { ...labels, median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

export function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

export function atLeast(id: string, limit: number, measured: number): BenchAim {
  return { id, aim: `≥ ${limit}`, measured, met: measured >= limit };
}

export function atMost(id: string, limit: number, measured: number): BenchAim {
  return { id, aim: `≤ ${limit}`, measured, met: measured <= limit };
}

export function describeMachine(): Record<string, string | number> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
  };
}

export function printResult(result: BenchResult, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    return;
  }
  const show = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(4));
  const versions = Object.entries(result.versions).map(([what, version]) => `${what} ${version}`);
  const lines = [`${result.name}  (${versions.join(', ')}; ${result.machine.cpu}, ${result.machine.cpus} CPUs)`];
  for (const { case: name, subject, metric, unit, median: middle, min, max } of result.rows) {
    const range = `${show(min)} … ${show(max)}`;
    lines.push(
      `  ${name.padEnd(22)} ${subject.padEnd(18)} ${metric.padEnd(22)} ${show(middle).padStart(10)} ${unit.padEnd(6)} (${range})`,
    );
  }
  for (const { id, aim, measured, met } of result.aims) {
    lines.push(`  ${met ? 'met   ' : 'MISSED'} ${id}: ${show(measured)}, aim ${aim}`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}
