import { type MatrixShape, makeMatrix, type Matrix } from './matrices.ts';

export interface SelectionCase {
  name: string;
  shape: MatrixShape;
  /** As shares of the size of all indexes; `Infinity` for no bound. */
  budgets: readonly number[];
}

const usual = { width: 4, skew: 1, savings: 'planner', sizes: 'tables', writes: 0.1 } as const;
const sweep = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, Infinity];

/** Matrices as large as those of published benchmarks, and larger; the last two harder than an advisor makes them. */
export const selectionCases: readonly SelectionCase[] = [
  {
    name: '113 × 80 of one column, in pairs',
    shape: {
      ...usual,
      queries: 113,
      indexes: 80,
      entries: 70_000,
      width: 2,
      tables: 21,
      joined: 14,
      skew: 0,
      writes: 0,
      seed: 6,
    },
    budgets: sweep,
  },
  {
    name: '113 × 66, all pairs',
    shape: {
      ...usual,
      queries: 113,
      indexes: 66,
      entries: 98_000,
      width: 2,
      tables: 21,
      joined: 21,
      skew: 0,
      writes: 0,
      idle: true,
      seed: 7,
    },
    budgets: sweep,
  },
  {
    name: '113 × 1,500, 70,000 entries',
    shape: {
      ...usual,
      queries: 113,
      indexes: 1500,
      entries: 70_000,
      tables: 21,
      joined: 10,
      skew: 0,
      writes: 0,
      seed: 1,
    },
    budgets: sweep,
  },
  {
    name: '300 × 3,000, 40,000 entries',
    shape: { ...usual, queries: 300, indexes: 3000, entries: 40_000, tables: 60, joined: 6, seed: 2 },
    budgets: sweep,
  },
  {
    name: '500 × 2,000, 10,000 entries',
    shape: { ...usual, queries: 500, indexes: 2000, entries: 10_000, width: 2, tables: 80, joined: 3, seed: 3 },
    budgets: sweep,
  },
  {
    name: 'near-equal densities',
    shape: { ...usual, queries: 300, indexes: 3000, entries: 20_000, tables: 60, joined: 5, sizes: 'density', seed: 4 },
    budgets: sweep,
  },
  {
    name: 'random savings',
    shape: {
      ...usual,
      queries: 300,
      indexes: 3000,
      entries: 30_000,
      tables: 60,
      joined: 5,
      savings: 'random',
      seed: 5,
    },
    budgets: [0.01, 0.05],
  },
];

export function matrixOf({ shape }: SelectionCase): Matrix {
  return makeMatrix(shape);
}
