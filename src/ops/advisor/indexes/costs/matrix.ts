import { messageOf, PitcrewError } from '../../../../errors.ts';
import type { HypotheticalIndex } from '../../../whatif/index.ts';
import type { AnalysedStatement } from '../candidates/types.ts';
import { type Exploration, explore, type ExploreLimits, type StatementCosts } from './explore.ts';
import type { Pricer } from './price.ts';

export interface Matrix {
  /** By id of the statement. */
  costs: Map<string, StatementCosts>;
  leftOut: { text: string; reason: string }[];
  plans: number;
}

export interface MatrixOptions {
  statements: readonly AnalysedStatement[];
  /** The indexes that a statement might use. */
  candidatesFor(statement: AnalysedStatement): Promise<readonly HypotheticalIndex[]>;
  price: Pricer;
  limits: ExploreLimits;
  /** `performance.now()` after which only what is under way is finished. */
  deadline: number;
  onProgress(done: number): void;
  signal: AbortSignal | undefined;
}

/**
 * The costs of statements: first of each without and with all candidates, then in more depth, where there is more to gain first, as
 * long as the time lasts. What cannot be planned is left out, and why.
 */
export async function costMatrix(options: MatrixOptions): Promise<Matrix> {
  const { statements, deadline, onProgress, signal } = options;
  const leftOut: Matrix['leftOut'] = [];
  const begun: { exploration: Exploration; weight: number }[] = [];
  let done = 0;
  for (const each of statements) {
    signal?.throwIfAborted();
    const exploration = await begin(each, options, leftOut);
    if (exploration) begun.push({ exploration, weight: weightOf(each, exploration) });
    if (!exploration || exploration.done) onProgress(++done);
  }
  const deeper = begun
    .filter(({ exploration }) => !exploration.done)
    .toSorted((a, b) => b.weight * b.exploration.potential - a.weight * a.exploration.potential);
  for (const { exploration } of deeper) {
    while (!exploration.done && performance.now() < deadline) {
      signal?.throwIfAborted();
      await exploration.step();
    }
    onProgress(++done);
  }
  return {
    costs: new Map(begun.map(({ exploration }) => [exploration.statement.id, exploration.result()])),
    leftOut,
    plans: begun.reduce((sum, { exploration }) => sum + exploration.plans, 0),
  };
}

/** Time per hour of one unit of a statement's cost, or its calls. */
function weightOf({ statement }: AnalysedStatement, exploration: Exploration): number {
  const { cost } = exploration.result().base;
  return statement.meanMs === null || cost === 0
    ? statement.callsPerHour
    : (statement.callsPerHour * statement.meanMs) / cost;
}

async function begin(
  each: AnalysedStatement,
  { candidatesFor, price, limits, deadline }: MatrixOptions,
  leftOut: Matrix['leftOut'],
): Promise<Exploration | undefined> {
  const { statement } = each;
  if (performance.now() > deadline) {
    leftOut.push({ text: statement.text, reason: 'the time for planning was over' });
    return undefined;
  }
  const candidates = await candidatesFor(each);
  // HypoPG cannot imagine partial indexes and those on expressions for every statement.
  const plain = candidates.filter((index) => isPlain(index));
  const attempts = plain.length < candidates.length ? [candidates, plain] : [candidates];
  let reason = '';
  for (const attempt of attempts) {
    try {
      return await explore(statement, attempt, price, limits);
    } catch (error) {
      if (!(error instanceof PitcrewError) || (error.code !== 'E_QUERY' && error.code !== 'E_UNSUPPORTED')) throw error;
      reason = error.detail ?? messageOf(error);
      if (error.code === 'E_QUERY') break;
    }
  }
  leftOut.push({ text: statement.text, reason });
  return undefined;
}

function isPlain({ keys, where }: HypotheticalIndex): boolean {
  return where === undefined && keys.every(({ expression }) => !expression.includes('('));
}
