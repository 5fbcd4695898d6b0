const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const distances = [
  15_000,
  30_000,
  minute,
  2 * minute,
  5 * minute,
  10 * minute,
  15 * minute,
  30 * minute,
  hour,
  2 * hour,
  4 * hour,
  6 * hour,
  12 * hour,
  day,
  2 * day,
  7 * day,
  14 * day,
  28 * day,
  84 * day,
  364 * day,
];

/** At most so many fit beside each other on a phone. */
const most = 5;

/** Moments that are named on an axis: whole ones of the browser's zone. */
export function ticksOf(from: number, to: number): number[] {
  const distance = distances.find((each) => (to - from) / each <= most) ?? (to - from) / most;
  const zone = new Date(from).getTimezoneOffset() * minute;
  const first = Math.ceil((from - zone) / distance) * distance + zone;
  const ticks: number[] = [];
  for (let tick = first; tick <= to; tick += distance) ticks.push(tick);
  return ticks;
}
