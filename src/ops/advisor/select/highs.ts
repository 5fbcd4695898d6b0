import type { Highs, ModelData } from 'highs';
import { at, type Choice } from './choice.ts';
import type { CompactMatrix } from './compact.ts';
import { programOf, scaledBase } from './program.ts';
import type { Relaxation } from './relax.ts';

/** HiGHS, ready to solve. A program that ran out of memory is broken for good; `solver.ts` gives it up then. */
export type { Highs };

/** @throws when the package `highs` is not installed. */
export async function loadHighs(): Promise<Highs> {
  // The package's types say CommonJS of a module that is one: its default export is the function itself.
  const { default: load } = (await import('highs')) as unknown as { default: () => Promise<Highs> };
  return load();
}

/** What a whole program's run came to. */
export interface Solved {
  /** The best choice that was found; `undefined` when there was none. */
  chosen: Uint8Array | undefined;
  /** No choice of this matrix saves more. */
  most: number;
  /** What was found is good enough by the gap that was asked for. */
  finished: boolean;
}

/** Solves the choice from a start, until the gap (a share of the cost) is reached or the time is up. */
export function solveWhole(
  highs: Highs,
  matrix: CompactMatrix,
  start: Choice,
  { gap, seconds, improved }: { gap: number; seconds: number; improved: (chosen: Uint8Array) => void },
): Solved {
  const program = programOf(matrix);
  const { integer, continuous } = highs.constants.variableType;
  const integrality = Array.from({ length: program.numCols }, (_, column) =>
    column < matrix.indexes ? integer : continuous,
  );
  const whole: ModelData = { ...program, integrality };
  return highs.withModel(whole, (model) => {
    model.options.set({
      output_flag: false,
      time_limit: seconds,
      mip_rel_gap: gap,
      mip_abs_gap: 1e-7,
      mip_feasibility_tolerance: 1e-8,
    });
    model.setSolution({ colValue: columnsOf(matrix, start) });
    model.run({
      [highs.constants.callbackType.mipImprovingSolution]({ data }) {
        if (data.mip_solution) improved(chosenOf(matrix, data.mip_solution));
        return undefined;
      },
    });
    const found = model.info.get('primal_solution_status') === highs.constants.solutionStatus.feasible;
    const bound = Number(model.info.get('mip_dual_bound'));
    return {
      chosen: found ? chosenOf(matrix, model.getSolution().colValue) : undefined,
      most: Number.isFinite(bound) ? unscaled(matrix, bound) : Infinity,
      finished: model.getModelStatus() === highs.constants.modelStatus.optimal,
    };
  });
}

/** By how much, as a share of the cost without indexes, the interior point method's bound is loosened: it ends near the optimum. */
const looseness = 1e-7;

/**
 * Solves the linear relaxation; `undefined` when the time is up before.
 * @param exact by the simplex method; otherwise by the interior point method, several times as fast where there are many entries.
 */
export function solveRelaxed(
  highs: Highs,
  matrix: CompactMatrix,
  { exact, seconds }: { exact: boolean; seconds: number },
): Relaxation | undefined {
  return highs.withModel(programOf(matrix), (model) => {
    model.options.set({ output_flag: false, time_limit: seconds });
    if (!exact) model.options.set({ solver: 'ipx', run_crossover: 'off' });
    model.run();
    if (model.getModelStatus() !== highs.constants.modelStatus.optimal) return undefined;
    const { colValue, colDual } = model.getSolution();
    const scale = scaleOf(matrix);
    const loss = Float64Array.from(colDual ?? [], (each) => each / scale);
    const ofIndexes = loss.subarray(0, matrix.indexes);
    return {
      most: unscaled(matrix, model.getObjectiveValue()) + (exact ? 0 : looseness * matrix.base),
      share: Float64Array.from(colValue.subarray(0, matrix.indexes)),
      entryLoss: loss.slice(matrix.indexes).map((each) => Math.max(0, each)),
      chosenLoss: ofIndexes.map((each) => Math.max(0, each)),
    };
  });
}

const scaleOf = ({ base }: CompactMatrix): number => (base > 0 ? scaledBase / base : 1);

const unscaled = (matrix: CompactMatrix, objective: number): number => matrix.base - objective / scaleOf(matrix);

function columnsOf(matrix: CompactMatrix, choice: Choice): Float64Array {
  const columns = new Float64Array(matrix.indexes + matrix.queryOf.length);
  columns.set(choice.chosen);
  for (const entry of choice.served) if (entry >= 0) columns[matrix.indexes + entry] = 1;
  return columns;
}

function chosenOf(matrix: CompactMatrix, columns: ArrayLike<number>): Uint8Array {
  return Uint8Array.from({ length: matrix.indexes }, (_, index) => ((columns[index] ?? 0) > 0.5 ? 1 : 0));
}

/** The matrix with some of its entries only; indexes keep their numbers. */
export function withEntries(matrix: CompactMatrix, kept: readonly number[]): CompactMatrix {
  const { queryOf, saving, memberStart, members } = matrix;
  const starts = new Int32Array(kept.length + 1);
  const list: number[] = [];
  kept.forEach((entry, number) => {
    for (let m = at(memberStart, entry); m < at(memberStart, entry + 1); m++) list.push(at(members, m));
    starts[number + 1] = list.length;
  });
  return {
    ...matrix,
    queryOf: Int32Array.from(kept, (entry) => at(queryOf, entry)),
    saving: Float64Array.from(kept, (entry) => at(saving, entry)),
    memberStart: starts,
    members: Int32Array.from(list),
  };
}
