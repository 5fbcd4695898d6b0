import type { HypotheticalIndex } from '../../../whatif/index.ts';
import { messageOf, PitcrewError } from '../../../../errors.ts';
import type { AnalysedStatement } from '../candidates/types.ts';
import { explore, type ExploreLimits, type Pricer, type StatementCosts } from './explore.ts';

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
  /** `performance.now()` after which only statements under way are finished. */
  deadline: number;
  onStatement(done: number): void;
  signal: AbortSignal | undefined;
}

/** The costs of statements, those with the most time first. What cannot be planned is left out, and why. */
export async function costMatrix(options: MatrixOptions): Promise<Matrix> {
  const { statements, candidatesFor, price, limits, deadline, onStatement, signal } = options;
  const matrix: Matrix = { costs: new Map(), leftOut: [], plans: 0 };
  for (const [done, each] of statements.entries()) {
    signal?.throwIfAborted();
    onStatement(done);
    const { statement } = each;
    if (performance.now() > deadline) {
      matrix.leftOut.push({ text: statement.text, reason: 'the time for planning was over' });
      continue;
    }
    try {
      const costs = await explore(statement, await candidatesFor(each), price, limits);
      matrix.costs.set(statement.id, costs);
      matrix.plans += costs.plans;
    } catch (error) {
      if (!(error instanceof PitcrewError) || (error.code !== 'E_QUERY' && error.code !== 'E_UNSUPPORTED')) throw error;
      matrix.leftOut.push({ text: statement.text, reason: error.detail ?? messageOf(error) });
    }
  }
  onStatement(statements.length);
  return matrix;
}
