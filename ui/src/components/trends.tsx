import { useMemo } from 'preact/hooks';
import { Card } from './card.tsx';
import { Chart } from './chart.tsx';
import type { ChartSeries } from './chart-data.ts';
import { MarkList } from './mark-list.tsx';
import type { Mark } from './marks.ts';
import type { Format } from '../format/quantity.ts';

export interface Trend {
  title: string;
  format: Format;
  series: ChartSeries[];
  note?: string;
}

export function line(label: string, values: ChartSeries['values'], color: string): ChartSeries {
  return { label, values, color };
}

const none: readonly Mark[] = [];

interface TrendsProps {
  at: readonly number[];
  trends: readonly Trend[];
  /** Moments at which something may have changed; those outside of the course are left out. */
  marks?: readonly Mark[];
  empty?: string;
}

/** Charts side by side over one course, each in a card of its own; what they mark is told once for all of them. */
export function Trends({ at, trends, marks = none, empty }: TrendsProps) {
  const [from, to] = spanOf(at);
  const shown = useMemo(() => marks.filter((mark) => mark.at >= from && mark.at <= to), [marks, from, to]);
  return (
    <>
      <MarkList marks={shown} />
      <div class="grid">
        {trends.map(({ title, format, series, note }) => (
          <Card key={title} title={title} note={note}>
            <Chart
              title={title}
              at={at}
              series={series}
              format={format}
              marks={shown}
              {...(empty === undefined ? {} : { empty })}
            />
          </Card>
        ))}
      </div>
    </>
  );
}

/** From the start of the first point to the end of the last. */
function spanOf(at: readonly number[]): [from: number, to: number] {
  const [first = Infinity, second = first] = at;
  return [first, (at.at(-1) ?? -Infinity) + (second - first)];
}
