import type { Check } from '../../types.ts';
import { duplicateIndex } from './indexes/duplicate.ts';

/** Checks of indexes, tables, columns and sequences, in the order in which reports show them. */
export const objectChecks: readonly Check[] = Object.freeze([duplicateIndex]);
