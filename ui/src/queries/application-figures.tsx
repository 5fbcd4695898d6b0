import type { ApplicationFigures } from '../../../src/server/api/applications.ts';
import type { ChartSeries } from '../components/chart-data.ts';
import { Tile } from '../components/tile.tsx';
import { line, type Trend } from '../components/trends.tsx';
import { count, exact, milliseconds } from '../format/quantity.ts';

/** What applications measured of a statement in the range. */
export function ApplicationTiles({ figures }: { figures: ApplicationFigures }) {
  return (
    <ul class="grid grid-tiles grid-tiles-eight" aria-label="As applications measured it">
      <Tile title="Calls by applications" value={count(figures.calls)} hint={`${exact(figures.calls)} calls`} />
      <Tile
        title="Mean there"
        value={milliseconds(figures.meanMs)}
        hint="With waiting for a connection and the network"
      />
      <Tile title="p50" value={milliseconds(figures.p50Ms)} />
      <Tile title="p95" value={milliseconds(figures.p95Ms)} />
      <Tile title="p99" value={milliseconds(figures.p99Ms)} />
      <Tile title="Slowest" value={milliseconds(figures.maxMs)} />
      <Tile title="Waiting" value={milliseconds(figures.waitMs)} hint="For a connection, on average per call" />
      <Tile
        title="Errors"
        value={count(figures.errors)}
        hint={`${exact(figures.errors)} calls failed`}
        {...(figures.errors > 0 ? { status: 'warning' as const } : {})}
      />
    </ul>
  );
}

type Values = ChartSeries['values'];

/** Percentiles of the applications beside the server's mean, where there is one, and how much of it is waiting. */
export function timeTrend(series: Record<'p50Ms' | 'p95Ms' | 'p99Ms' | 'waitMs', Values>, serverMs?: Values): Trend {
  return {
    title: 'Time per call',
    format: milliseconds,
    series: [
      ...(serverMs ? [line('server’s mean', serverMs, '--series-2')] : []),
      line('p50', series.p50Ms, '--series-1'),
      line('p95', series.p95Ms, '--series-5'),
      line('p99', series.p99Ms, '--series-4'),
      line('waiting', series.waitMs, '--series-6'),
    ],
    note: 'In the application; waiting: for a connection, on average',
  };
}
