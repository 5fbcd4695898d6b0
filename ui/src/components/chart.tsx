import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { useUrl } from '../data/use-url.ts';
import { byteRate, bytes, textOf, type Format } from '../format/quantity.ts';
import { clockTime, moment } from '../format/time.ts';
import { useTheme } from '../shell/theme.ts';
import { hasValues, latestIndex, shownPoints, summaryOf, type ChartSeries } from './chart-data.ts';
import { Icon } from './icon.tsx';
import { ensureLanguage } from './language.ts';
import { createLazy } from './lazy-module.ts';
import type { Mark, PlacedMark } from './marks.ts';
import type { Plot } from './plot.ts';

const plotting = createLazy(async () => {
  ensureLanguage();
  return await import('./plot.ts');
});

interface ChartProps {
  title: string;
  at: readonly number[];
  series: readonly ChartSeries[];
  format: Format;
  kind?: 'lines' | 'stacked';
  reference?: { value: number; label: string } | undefined;
  marks?: readonly Mark[];
  /** Why there may be nothing. */
  empty?: string;
}

const noMarks: readonly Mark[] = [];

/**
 * A chart with its legend (which shows the values under the cursor, the latest otherwise), a sentence for those who do not
 * see it, and the figures as a table. Dragging over a stretch makes it the time range of the page.
 */
export function Chart({
  title,
  at: allAt,
  series: allSeries,
  format,
  kind = 'lines',
  reference,
  marks = noMarks,
  empty,
}: ChartProps) {
  const { at, series } = useMemo(() => shown(allAt, allSeries), [allAt, allSeries]);
  const [hovered, setHovered] = useState<number | null>(null);
  const [asTable, setAsTable] = useState(false);
  const known = hasValues(series);
  const name = `${asTable ? 'Hide table' : 'Show as table'}: ${title}`;
  return (
    <figure class="chart">
      <div class="chart-head">
        <Legend kind={kind} at={at} series={series} format={format} hovered={hovered} reference={reference} />
        {known && (
          <button
            type="button"
            class="button button-plain button-small button-icon"
            aria-label={name}
            title={name}
            aria-expanded={asTable}
            onClick={() => setAsTable(!asTable)}
          >
            <Icon name="table" size={14} />
          </button>
        )}
      </div>
      <div class="chart-plot" role="img" aria-label={[summaryOf(title, series, format), ...marks.map(said)].join(' ')}>
        {known ? (
          <Canvas
            at={at}
            series={series}
            format={format}
            kind={kind}
            reference={reference}
            marks={marks}
            onHover={setHovered}
          />
        ) : (
          <div class="chart-empty">{empty ?? 'Nothing is known in this range yet.'}</div>
        )}
      </div>
      {asTable && known && <Figures title={title} at={at} series={series} format={format} />}
    </figure>
  );
}

/** A mark, for those who do not see it. */
const said = ({ at, text }: Mark): string => `Marked at ${moment(at)}: ${text}.`;

/** The points that have something to show. */
function shown(at: readonly number[], series: readonly ChartSeries[]): Pick<ChartProps, 'at' | 'series'> {
  const isKnown = (index: number) => series.some(({ values }) => typeof values[index] === 'number');
  const points = shownPoints(isKnown, at.length);
  if (points.length === at.length) return { at, series };
  return {
    at: points.map((index) => at[index] ?? 0),
    series: series.map((each) => ({ ...each, values: points.map((index) => each.values[index] ?? null) })),
  };
}

type CanvasProps = Required<Pick<ChartProps, 'at' | 'series' | 'format' | 'kind' | 'marks'>> & {
  reference: ChartProps['reference'];
  onHover: (index: number | null) => void;
};

function Canvas({ at, series, format, kind, reference, marks, onHover }: CanvasProps) {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | undefined>(undefined);
  const theme = useTheme();
  const { set } = useUrl();
  const [pointed, setPointed] = useState<{ mark: PlacedMark; left: number } | null>(null);
  const latest = useRef({ at, series, marks, set, onHover });
  latest.current = { at, series, marks, set, onHover };
  const loaded = plotting.use();
  const drawing = loaded.state === 'ready' ? loaded.module : undefined;

  useEffect(() => {
    if (!element.current || !drawing) return undefined;
    const current = drawing.createPlot(element.current, latest.current.series, latest.current.at, {
      kind,
      format,
      binary: format === bytes || format === byteRate,
      reference,
      onHover: (index) => latest.current.onHover(index),
      onMark: (mark, left) =>
        setPointed((before) => (mark === (before?.mark ?? null) ? before : mark && { mark, left })),
      onZoom: (from, to) => latest.current.set({ from, to, page: null }),
    });
    current.update(latest.current.at, latest.current.series, latest.current.marks);
    plot.current = current;
    return () => {
      plot.current = undefined;
      current.destroy();
    };
  }, [drawing, theme, kind, reference?.value, series.map(({ label }) => label).join()]);

  useEffect(() => plot.current?.update(at, series, marks), [at, series, marks]);
  if (loaded.state === 'failed')
    return <div class="chart-empty">The chart could not be loaded; the table has its figures.</div>;
  return (
    <>
      <div ref={element} class="chart-canvas" />
      {pointed && <MarkTip {...pointed} width={element.current?.clientWidth ?? 0} />}
    </>
  );
}

/** What a mark says, beside it on the side where there is room. */
function MarkTip({ mark: { marks }, left, width }: { mark: PlacedMark; left: number; width: number }) {
  const place = left < width / 2 ? { left: `${left + 8}px` } : { right: `${width - left + 8}px` };
  return (
    <div class="mark-tip" style={place}>
      {marks.map(({ at, text }) => (
        <div key={`${at} ${text}`}>
          {clockTime(at)} {text}
        </div>
      ))}
    </div>
  );
}

type LegendProps = Pick<ChartProps, 'at' | 'series' | 'format' | 'kind' | 'reference'> & { hovered: number | null };

function Legend({ at, series, format, kind, hovered, reference }: LegendProps) {
  const index = hovered ?? latestIndex(series);
  // In a stack, what was not seen beside what was seen is nothing, not unknown.
  const absent = kind === 'stacked' && series.some(({ values }) => typeof values[index] === 'number') ? 0 : null;
  const time = at[index];
  return (
    <ul class="legend">
      {series.map(({ label, values, color }) => {
        const value = values[index] ?? absent;
        return (
          <li key={label}>
            <span class="legend-key" style={{ background: `var(${color})` }} />
            {label}
            <span class="legend-value">{typeof value === 'number' ? textOf(format(value)) : '–'}</span>
          </li>
        );
      })}
      {reference && (
        <li>
          <span class="legend-line" />
          {reference.label}
        </li>
      )}
      {time !== undefined && <li class="legend-time">{moment(time)}</li>}
    </ul>
  );
}

function Figures({ title, at, series, format }: Pick<ChartProps, 'title' | 'at' | 'series' | 'format'>) {
  return (
    <div class="chart-table" role="group" tabIndex={0} aria-label={`${title}, as a table`}>
      <table class="facts-table">
        <thead>
          <tr>
            <th scope="col">Time</th>
            {series.map(({ label }) => (
              <th key={label} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {at.map((time, index) => (
            <tr key={time}>
              <th scope="row">{moment(time)}</th>
              {series.map(({ label, values }) => {
                const value = values[index];
                return <td key={label}>{typeof value === 'number' ? textOf(format(value)) : '–'}</td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
