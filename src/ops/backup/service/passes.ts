import type { PitcrewError } from '../../../errors.ts';

/** Failures that may be over by themselves: a server or a place that is away, full or busy, a server that was promoted meanwhile. */
const passing: readonly PitcrewError['code'][] = [
  'E_DATABASE_UNREACHABLE',
  'E_CONNECTION_LOST',
  'E_STORAGE',
  'E_STORE_UNAVAILABLE',
  'E_CONFLICT',
  'E_ABORTED',
];

/** Whether it is worth trying again by itself. */
export function passes({ code, sqlState }: PitcrewError): boolean {
  // Too many connections or slots, out of memory, starting up or shutting down.
  return passing.includes(code) || /^(53|57P)/.test(sqlState ?? '');
}
