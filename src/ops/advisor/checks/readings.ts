import type { CheckContext, Reader } from '../types.ts';

/**
 * Reads from the primary, once for all checks of a run; outside of a run, anew each time. Who asks later gets the same rows, which
 * nobody may change, or the same error.
 */
export function once<Value>({ connection, profile, readings }: CheckContext, read: Reader<Value>): Promise<Value> {
  const known = readings?.get(read);
  if (known) return known as Promise<Value>;
  const reading = read(connection, profile);
  readings?.set(read, reading);
  return reading;
}
