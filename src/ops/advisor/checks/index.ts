import type { Check } from '../types.ts';
import { objectChecks } from './objects/index.ts';
import { serverChecks } from './server/index.ts';

/** Every check, in the order in which reports show them. */
export const checks: readonly Check[] = Object.freeze([...objectChecks, ...serverChecks]);
