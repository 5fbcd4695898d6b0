import { Card } from './card.tsx';
import { Chart } from './chart.tsx';
import type { ChartSeries } from './chart-data.ts';
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

/** Charts side by side over one course, each in a card of its own. */
export function Trends({ at, trends, empty }: { at: readonly number[]; trends: readonly Trend[]; empty?: string }) {
  return (
    <div class="grid">
      {trends.map(({ title, format, series, note }) => (
        <Card key={title} title={title} note={note}>
          <Chart title={title} at={at} series={series} format={format} {...(empty === undefined ? {} : { empty })} />
        </Card>
      ))}
    </div>
  );
}
