/** How long to wait before try number `tries` + 1: `base` doubled each time up to `longest`, between half and all of it. */
export function backOff(baseMs: number, tries: number, longestMs: number): number {
  const full = Math.min(Math.max(longestMs, baseMs), baseMs * 2 ** Math.min(tries, 30));
  return full / 2 + Math.random() * (full / 2);
}
