import type { Check } from '../../types.ts';

/** Checks of indexes, tables, columns and sequences, in the order in which reports show them. */
export const objectChecks: readonly Check[] = Object.freeze([]);
