import type { BenchAim, BenchResult, BenchRow } from './result.ts';

const format = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), `| --- |${' ---: |'.repeat(header.length - 1)}`, ...rows.map((row) => line(row))].join('\n');
}

export function aimsTable(aims: readonly BenchAim[]): string {
  const rows = aims.map(({ id, aim, measured, met }) => [id, show(measured), `${aim}: ${met ? 'met' : 'missed'}`]);
  return table(['what', 'measured', 'aim'], rows);
}

export function find({ rows }: BenchResult, name: string, subject: string, metric: string): BenchRow | undefined {
  return rows.find((row) => row.case === name && row.subject === subject && row.metric === metric);
}

export function show(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '';
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : format.format(value);
}
