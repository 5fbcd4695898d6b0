import { setFlagsFromString } from 'node:v8';

/**
 * Makes V8 collect often instead of growing. The daemon turns rows into figures all day: nearly everything it allocates is
 * garbage a moment later, and V8 would let that pile up to three times the memory (240 MB instead of 107 MB resident,
 * watching ten databases, `npm run bench -- monitor-overhead`). Must run before much is allocated.
 *
 * `fast`: for a restore, whose code V8 would otherwise leave slow: it takes two thirds of the time, and some 20 MB more.
 */
export function keepHeapSmall({ fast = false } = {}): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  if (!fast) setFlagsFromString('--optimize-for-size');
}
