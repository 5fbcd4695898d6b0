import { shownPoints } from './chart-data.ts';
import { sparkPath } from './spark-path.ts';

/** A line of a few hundred pixels without axes; what it says is told by the text beside it. */
export function Sparkline({
  points,
  class: className,
}: {
  points: readonly (readonly [number, number | null])[];
  class?: string;
}) {
  const indices = shownPoints((index) => typeof points[index]?.[1] === 'number', points.length);
  const shown = indices.map((index) => points[index]).filter((point) => point !== undefined);
  const { line, area } = sparkPath(shown, 100, 30);
  return (
    <svg
      class={`sparkline${className ? ` ${className}` : ''}`}
      viewBox="0 0 100 30"
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      <path class="area" d={area} />
      <path class="line" d={line} />
    </svg>
  );
}
