import type { BenchResult, BenchRow } from '../result.ts';
import { floorName, subjectNames } from './plan.ts';
import { caseNames, caseTitles } from './workload.ts';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const ms = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

/** The tables of docs/benchmarks.md. */
export function tables({ rows, aims, versions, machine }: BenchResult): string {
  const names = [...subjectNames, floorName];
  const of = (metric: string): BenchRow[] => rows.filter((row) => row.metric === metric);
  const callers = [...new Set(rows.map((row) => callersOf(row)).filter(Number.isFinite))].toSorted((a, b) => a - b);
  const figure = (metric: string, title: string, subject: string, count: number): BenchRow | undefined =>
    of(metric).find((row) => row.case === caseOf(title, count) && row.subject === subject);

  const sections = caseNames.flatMap((name) => {
    const title = caseTitles[name];
    if (!rows.some((row) => row.case.startsWith(`${title},`))) return [];
    const speed = table(
      ['statements/s', ...callers.map((count) => countOf(count))],
      names.map((subject) => [
        subject,
        ...callers.map((count) => show(figure('statements', title, subject, count), whole)),
      ]),
    );
    const times = table(
      ['p50 / p99, ms', ...callers.map((count) => countOf(count))],
      names
        .filter((subject) => subject !== floorName)
        .map((subject) => [
          subject,
          ...callers.map((count) => {
            const [p50, p99] = ['p50', 'p99'].map((metric) => figure(metric, title, subject, count));
            return p50 && p99 ? `${ms.format(p50.median)} / ${ms.format(p99.median)}` : '—';
          }),
        ]),
    );
    return [`### ${title}`, speed, name === 'mixed' ? `Of the quick statements:\n\n${times}` : times];
  });

  const judged = table(
    ['what', 'measured', 'aim'],
    aims.map(({ id, aim, measured, met }) => [id, ms.format(measured), `${aim}: ${met ? 'met' : 'missed'}`]),
  );
  const made = Object.entries(versions).map(([what, version]) => `${what} ${version}`);
  const on = `${machine['cpu']}, ${machine['cpus']} CPUs, ${machine['memoryGiB']} GiB`;
  return [`Measured with ${made.join(', ')} on ${on}.`, ...sections, judged].join('\n\n');
}

export function caseOf(title: string, callers: number): string {
  return `${title}, ${countOf(callers)}`;
}

function countOf(callers: number): string {
  return callers === 1 ? '1 caller' : `${whole.format(callers)} callers`;
}

function callersOf(row: BenchRow): number {
  return Number(/, ([\d,]+) callers?$/.exec(row.case)?.[1]?.replaceAll(',', ''));
}

function show(row: BenchRow | undefined, format: Intl.NumberFormat): string {
  return row ? `${format.format(row.median)} (${format.format(row.min)} … ${format.format(row.max)})` : '—';
}

function table(head: string[], body: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, at) => (at === 0 ? '---' : '---:'))), ...body.map(line)].join('\n');
}
