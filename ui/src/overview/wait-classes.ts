/** Wait classes in the order of a stack: work at the bottom, what holds it up above. */
const classes: readonly { class: string; label: string; color: string }[] = [
  { class: 'CPU', label: 'CPU', color: '--wait-cpu' },
  { class: 'IO', label: 'I/O', color: '--wait-io' },
  { class: 'Lock', label: 'Lock', color: '--wait-lock' },
  { class: 'LWLock', label: 'LWLock', color: '--wait-lwlock' },
  { class: 'IPC', label: 'IPC', color: '--wait-ipc' },
  { class: 'Client', label: 'Client', color: '--wait-client' },
  { class: 'Timeout', label: 'Timeout', color: '--wait-timeout' },
];

interface WaitSeries {
  class: string;
  values: readonly (number | null)[];
}

/** Series of a stacked chart from wait classes: known ones in their order and colour, the others summed up as "Other". */
export function waitSeries(
  found: readonly WaitSeries[],
): { label: string; color: string; values: (number | null)[] }[] {
  const known = classes.flatMap(({ class: name, label, color }) => {
    const series = found.find((candidate) => candidate.class === name);
    return series ? [{ label, color, values: [...series.values] }] : [];
  });
  const others = found.filter((candidate) => !classes.some(({ class: name }) => name === candidate.class));
  if (others.length === 0) return known;
  const length = Math.max(...others.map(({ values }) => values.length));
  const values = Array.from({ length }, (_, index) => {
    const here = others.map((series) => series.values[index]).filter((value) => typeof value === 'number');
    return here.length === 0 ? null : here.reduce((sum, value) => sum + value, 0);
  });
  return [
    ...known,
    { label: others.length === 1 ? (others[0]?.class ?? 'Other') : 'Other', color: '--wait-other', values },
  ];
}

/** Colour of a wait class: the same in charts and lists. */
export function waitColor(name: string): string {
  return classes.find((candidate) => candidate.class === name)?.color ?? '--wait-other';
}
