import type { Tone } from './status.tsx';

/** A moment that charts mark, because what they show may have changed then. */
export interface Mark {
  /** In ms since 1970. */
  at: number;
  /** "plan changed · slower" */
  text: string;
  tone: Tone;
  /** Where more is told of it. */
  href?: string;
}

/** Marks that are drawn as one. */
export interface PlacedMark {
  /** In pixels. */
  x: number;
  /** The earliest first. */
  marks: readonly Mark[];
}

/** So many lines at most: more of them would hide the chart. */
const most = 6;
/** Lines that are closer cannot be told apart. */
const leastDistance = 12;

/**
 * Where marks are drawn: those close to each other as one, and the wider apart the more there are, until they are few. What came after the
 * last point of the chart stands at that.
 */
export function placeMarks(marks: readonly Mark[], positionOf: (at: number) => number, width: number): PlacedMark[] {
  const inside = marks
    .map((mark) => ({ x: Math.min(width, positionOf(mark.at)), marks: [mark] }))
    .filter(({ x }) => x >= 0)
    .toSorted((a, b) => a.x - b.x);
  let placed = merged(inside, leastDistance);
  for (let distance = leastDistance * 2; placed.length > most; distance *= 2) placed = merged(inside, distance);
  return placed;
}

function merged(marks: readonly PlacedMark[], distance: number): PlacedMark[] {
  const placed: PlacedMark[] = [];
  for (const mark of marks) {
    const last = placed.at(-1);
    if (last && mark.x - last.x < distance) last.marks = [...last.marks, ...mark.marks];
    else placed.push({ ...mark });
  }
  return placed;
}

/** The mark below the cursor. */
export function markAt(placed: readonly PlacedMark[], x: number): PlacedMark | null {
  const near = placed.filter((mark) => Math.abs(mark.x - x) <= leastDistance / 2);
  return near.toSorted((a, b) => Math.abs(a.x - x) - Math.abs(b.x - x))[0] ?? null;
}

/** As grave as the gravest of them. */
export function toneOf({ marks }: PlacedMark): Tone {
  const tones = marks.map(({ tone }) => tone);
  return (['critical', 'warning', 'ok', 'info'] as const).find((tone) => tones.includes(tone)) ?? 'unknown';
}
