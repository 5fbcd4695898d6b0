import { messageOf } from '../../errors.ts';
import { type DatabaseConnection, explainStatement, type ServerProfile } from '../../engine/postgres/index.ts';
import type { WhatIf } from './types.ts';

export interface CalibrationStatement {
  id: string;
  text: string;
  /** search_path under which names are resolved. */
  searchPath?: string;
}

/** One statement planned on both. */
export interface CalibratedStatement {
  id: string;
  sourceCost: number;
  whatIfCost: number;
  /** |what-if − source| ÷ source. */
  difference: number;
  /** Whether both plans have the same nodes in the same places, on the same relations and indexes. */
  sameShape: boolean;
}

export interface Calibration {
  statements: readonly CalibratedStatement[];
  /** What could not be planned on either side, and why. */
  leftOut: readonly { id: string; side: 'source' | 'whatIf'; reason: string }[];
  /** Of the relative differences; `null` when nothing was planned. */
  median: number | null;
  p95: number | null;
  /** Share of the statements with the same shape, 0–1; `null` when nothing was planned. */
  sameShape: number | null;
}

export interface CalibrateOptions {
  /** Session with the watched database. Statements are planned there, never run. */
  connection: DatabaseConnection;
  profile: ServerProfile;
  whatIf: WhatIf;
  statements: readonly CalibrationStatement[];
  signal?: AbortSignal;
}

/**
 * Plans statements on the watched database and by what-if planning, without any index more or less, and says how far the
 * answers are apart. Statements with `$1` are planned generically on both sides.
 */
export async function calibrate(options: CalibrateOptions): Promise<Calibration> {
  const { connection, profile, whatIf, signal } = options;
  const statements: CalibratedStatement[] = [];
  const leftOut: Calibration['leftOut'][number][] = [];
  for (const { id, ...statement } of options.statements) {
    signal?.throwIfAborted();
    const source = await settled(explainStatement(connection, profile, statement));
    const planned = await settled(whatIf.plan(statement));
    if ('reason' in source) leftOut.push({ id, side: 'source', reason: source.reason });
    else if ('reason' in planned) leftOut.push({ id, side: 'whatIf', reason: planned.reason });
    else {
      const { totalCost: sourceCost, plan } = source.value;
      const { cost: whatIfCost } = planned.value;
      statements.push({
        id,
        sourceCost,
        whatIfCost,
        difference: relativeDifference(sourceCost, whatIfCost),
        sameShape: planShape(plan) === planShape(planned.value.plan),
      });
    }
  }
  const differences = statements.map(({ difference }) => difference).toSorted((a, b) => a - b);
  return {
    statements,
    leftOut,
    median: quantile(differences, 0.5),
    p95: quantile(differences, 0.95),
    sameShape: statements.length === 0 ? null : statements.filter((each) => each.sameShape).length / statements.length,
  };
}

async function settled<Value>(work: Promise<Value>): Promise<{ value: Value } | { reason: string }> {
  try {
    return { value: await work };
  } catch (error) {
    return { reason: messageOf(error) };
  }
}

function relativeDifference(source: number, other: number): number {
  if (source === other) return 0;
  return Math.abs(other - source) / Math.max(source, Number.MIN_VALUE);
}

/** The nearest-rank quantile of sorted values. */
function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null;
}

const told = [
  'Node Type',
  'Join Type',
  'Strategy',
  'Partial Mode',
  'Schema',
  'Relation Name',
  'Index Name',
  'Scan Direction',
];

/** Nodes, relations and indexes of a plan (EXPLAIN's JSON), by which two plans can be compared. */
export function planShape(plan: unknown): string {
  if (Array.isArray(plan)) return plan.map((each) => planShape(each)).join(',');
  if (typeof plan !== 'object' || plan === null) return '';
  const fields = new Map<string, unknown>(Object.entries(plan));
  if (fields.has('Plan')) return planShape(fields.get('Plan'));
  const own = told.flatMap((name) => (fields.has(name) ? [String(fields.get(name))] : [])).join(' ');
  return `${own}(${planShape(fields.get('Plans'))})`;
}
