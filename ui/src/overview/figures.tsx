import type { Dashboard } from '../../../src/server/api/performance.ts';
import { Tile } from '../components/tile.tsx';
import { byteRate, bytes, count, milliseconds, percent, rate, seconds, type Quantity } from '../format/quantity.ts';

type Figure = Dashboard['figures'][number];

const formats: Record<Figure['unit'], (value: number | null) => Quantity> = {
  'per second': rate,
  ms: milliseconds,
  ratio: percent,
  count,
  bytes,
  seconds,
  'bytes per second': byteRate,
};

export function FigureTiles({ figures }: { figures: readonly Figure[] }) {
  return (
    <ul class="grid grid-tiles" aria-label="Headline figures">
      {figures.map((figure) => (
        <Tile
          key={figure.id}
          title={figure.title}
          value={formats[figure.unit](figure.value)}
          status={figure.status}
          spark={figure.spark}
        />
      ))}
    </ul>
  );
}
