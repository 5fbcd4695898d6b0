import { z } from 'zod';
import { PitcrewError } from '../../../src/errors.ts';
import type { Matrix } from './matrices.ts';

const schema = z.object({
  queries: z.array(z.object({ id: z.string(), weight: z.number().default(1) })),
  indexes: z.array(z.object({ id: z.string(), size: z.number(), writeCost: z.number().default(0) })),
  costs: z.array(z.object({ query: z.string(), indexes: z.array(z.string()), cost: z.number() })),
  budgets: z.array(z.number().nullable()).min(1).default([null]),
});

/** A cost matrix from a file, and the budgets for which to choose; `null` for no bound. */
export interface MatrixFile {
  matrix: Matrix;
  budgets: readonly (number | null)[];
}

/**
 * Reads a matrix as docs/index-selection.md describes it. What it does not know of is passed over.
 * @throws {PitcrewError} `E_BAD_REQUEST` for what is no JSON or no matrix, with the place.
 */
export function readMatrixFile(text: string): MatrixFile {
  const parsed = schema.safeParse(parseJson(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const detail = `${issue?.path.join('.') || 'the document'}: ${issue?.message ?? 'not understood'}`;
    throw new PitcrewError('E_BAD_REQUEST', 'the file is no cost matrix', { detail });
  }
  const { budgets, ...matrix } = parsed.data;
  return { matrix, budgets };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new PitcrewError('E_BAD_REQUEST', 'the file is no JSON', { detail, cause });
  }
}
