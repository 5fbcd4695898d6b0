import type { Check } from '../../types.ts';

/** Checks of the server and of how it is used, in the order in which reports show them. */
export const serverChecks: readonly Check[] = Object.freeze([]);
