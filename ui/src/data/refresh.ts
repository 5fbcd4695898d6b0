import type { Range } from './range.ts';
import type { RefreshPolicy } from './resource-cache.ts';

/** How an answer over a range is kept up to date: the longer the range, the less a moment changes it; a fixed one never does. */
export function refreshOver(range: Range, on: readonly string[]): RefreshPolicy | undefined {
  if (!range.live) return undefined;
  return { on, everyMs: Math.min(60_000, Math.max(10_000, range.length / 360)) };
}
