type Points = readonly (readonly [number, number | null])[];

const round = (value: number) => Math.round(value * 100) / 100;

/**
 * Paths of a line and the area below it in a box, time from left to right, zero at the bottom. Unknown values are gaps; a
 * value alone between gaps becomes a short dash, so that it is seen.
 */
export function sparkPath(points: Points, width: number, height: number): { line: string; area: string } {
  const first = points[0]?.[0] ?? 0;
  const length = (points.at(-1)?.[0] ?? 0) - first;
  const top = Math.max(0, ...points.map(([, value]) => value ?? 0));
  const x = (at: number) => round(length === 0 ? width / 2 : ((at - first) / length) * width);
  const y = (value: number) => round(top === 0 ? height - 1 : height - 1 - (value / top) * (height - 2));
  let line = '';
  let area = '';
  for (const run of runs(points)) {
    const corners = run.map(([at, value]) => `${x(at)} ${y(value)}`);
    const [start, end] = [x(run[0]?.[0] ?? 0), x(run.at(-1)?.[0] ?? 0)];
    line += run.length === 1 ? `M${Math.min(start, width - 3)} ${y(run[0]?.[1] ?? 0)}h3` : `M${corners.join('L')}`;
    if (run.length > 1) area += `M${start} ${height}L${corners.join('L')}L${end} ${height}Z`;
  }
  return { line, area };
}

/** Stretches of known values. */
function runs(points: Points): [number, number][][] {
  const found: [number, number][][] = [];
  let current: [number, number][] = [];
  for (const [at, value] of points) {
    if (value !== null) current.push([at, value]);
    else if (current.length > 0) {
      found.push(current);
      current = [];
    }
  }
  if (current.length > 0) found.push(current);
  return found;
}
