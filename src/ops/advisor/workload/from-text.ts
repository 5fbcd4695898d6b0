import { gather } from './gather.ts';
import type { Workload } from './types.ts';

/** A workload of one statement, called once an hour: as if from a file that holds nothing else. */
export function workloadFromText(text: string): Promise<Workload> {
  return gather('file', [{ id: '1', text, callsPerHour: 1, meanMs: null }]);
}
