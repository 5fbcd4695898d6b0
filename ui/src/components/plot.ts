import uPlot from 'uplot';
import { exact, textOf, type Format } from '../format/quantity.ts';
import { axisTimes } from '../format/time.ts';
import { stacked, type ChartSeries } from './chart-data.ts';
import { type Mark, markAt, placeMarks, type PlacedMark } from './marks.ts';
import { drawMarks, toneColors } from './plot-marks.ts';

/** Drawing by uPlot; loaded when the first chart is shown. */

export interface PlotOptions {
  kind: 'lines' | 'stacked';
  format: Format;
  /** Ticks stand at powers of two: bytes. */
  binary: boolean;
  /** A level to compare with, such as the number of CPUs. */
  reference: { value: number; label: string } | undefined;
  onHover: (index: number | null) => void;
  /** The pointer came to a mark, or left it: by how many pixels of the element it is from its left. */
  onMark: (mark: PlacedMark | null, left: number) => void;
  /** A stretch was dragged over; in ms since 1970. */
  onZoom: (from: number, to: number) => void;
}

export interface Plot {
  update(at: readonly number[], series: readonly ChartSeries[], marks: readonly Mark[]): void;
  destroy(): void;
}

const powersOfTwo = Array.from({ length: 60 }, (_, index) => 2 ** index);

/** Columns as wide as the time they stand for, so that a lone one is seen too. */
const asColumns = uPlot.paths.bars?.({ size: [1, Infinity], gap: 0, align: 1 }) ?? (() => null);

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];
const timeSteps = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * second),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * minute),
  ...[1, 2, 3, 4, 6, 8, 12].map((count) => count * hour),
  ...[1, 2, 3, 5, 7, 14, 30, 60, 90, 180, 365].map((count) => count * day),
];

const axisFont = '11px system-ui, sans-serif';

/** Charts side by side have axes of one width; on a phone every pixel counts. */
function axisWidth(element: HTMLElement, labels: readonly string[] | null): number {
  const longest = Math.max(0, ...(labels ?? []).map(({ length }) => length));
  const needed = 14 + longest * 6.5;
  return element.clientWidth < 480 ? needed : Math.max(64, needed);
}

/** Resolves a custom property to a colour that a canvas understands (it may be a light-dark() pair). */
function colorOf(element: HTMLElement, property: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${property})`;
  element.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}

/** In the order of drawing: the tallest of a stack comes first, so that the others cover its foot. */
function aligned(kind: PlotOptions['kind'], at: readonly number[], series: readonly ChartSeries[]): uPlot.AlignedData {
  const columns =
    kind === 'stacked'
      ? stacked(series.map(({ values }) => values)).toReversed()
      : series.map(({ values }) => [...values]);
  return [[...at], ...columns];
}

function fade(color: string): string {
  return color.replace(/^rgb\((.+)\)$/, 'rgba($1, 0.1)');
}

export function createPlot(
  element: HTMLElement,
  series: readonly ChartSeries[],
  at: readonly number[],
  options: PlotOptions,
): Plot {
  const { kind, format, binary, reference, onHover, onMark, onZoom } = options;
  const color = (property: string): string => colorOf(element, property);
  const [muted, line, strong] = [color('--text-muted'), color('--line'), color('--line-strong')];
  const [text, surface] = [color('--text'), color('--surface')];
  const tones = toneColors(color);
  let marks: readonly Mark[] = [];
  let placed: readonly PlacedMark[] = [];
  const ordered = kind === 'stacked' ? series.toReversed() : series;
  const axis = { stroke: muted, font: axisFont, grid: { stroke: line, width: 1 }, ticks: { show: false } };

  const plot = new uPlot(
    {
      width: element.clientWidth,
      height: element.clientHeight,
      ms: 1,
      padding: [10, 30, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        points: { show: kind === 'lines' },
        drag: { x: true, y: false, setScale: false },
        // Other charts of the page show the same moment; dragging stays with the chart it began in.
        sync: { key: 'page', filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave' } },
      },
      scales: {
        y: {
          range: (_, low, high) =>
            uPlot.rangeNum(Math.min(0, low ?? 0), Math.max(high ?? 0, reference?.value ?? 0) || 1, 0.12, true),
        },
      },
      axes: [
        { ...axis, incrs: timeSteps, space: 70, size: 26, values: (_, ticks) => axisTimes(ticks) },
        {
          ...axis,
          space: 34,
          size: (_, labels) => axisWidth(element, labels),
          gap: 6,
          ...(binary ? { incrs: powersOfTwo } : {}),
          values: (_, ticks) => ticks.map((tick) => textOf(format(tick, exact))),
        },
      ],
      series: [
        {},
        ...ordered.map(({ label, color: property }) => {
          const stroke = color(property);
          return kind === 'stacked'
            ? { label, stroke, width: 0, fill: stroke, points: { show: false }, paths: asColumns }
            : {
                label,
                stroke,
                width: 1.6,
                ...(series.length === 1 ? { fill: fade(stroke) } : {}),
                points: { size: 4 },
              };
        }),
      ],
      hooks: {
        setCursor: [
          (self) => {
            onHover(self.cursor.idx ?? null);
            // Charts whose cursor only follows that of another say nothing.
            const mark = self.over.matches(':hover') ? markAt(placed, self.cursor.left ?? -1) : null;
            onMark(mark, self.over.offsetLeft + (mark?.x ?? 0));
          },
        ],
        setSelect: [
          (self) => {
            if (self.select.width < 4) return;
            const { left, width } = self.select;
            onZoom(Math.round(self.posToVal(left, 'x')), Math.round(self.posToVal(left + width, 'x')));
            self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
        draw: [
          (self) => {
            if (reference) drawReference(self, reference, text, surface);
            placed = placeMarks(marks, (time) => self.valToPos(time, 'x'), self.over.clientWidth);
            drawMarks(self, placed, tones, strong);
          },
        ],
      },
    },
    aligned(kind, at, series),
    element,
  );

  const resize = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: element.clientHeight }));
  resize.observe(element);
  return {
    update(nextAt, nextSeries, nextMarks) {
      marks = nextMarks;
      plot.setData(aligned(kind, nextAt, nextSeries));
    },
    destroy() {
      resize.disconnect();
      plot.destroy();
    },
  };
}

function drawReference(
  plot: uPlot,
  { value, label }: { value: number; label: string },
  color: string,
  rim: string,
): void {
  const { ctx, bbox } = plot;
  const y = Math.round(plot.valToPos(value, 'y', true));
  ctx.save();
  ctx.strokeStyle = color;
  ctx.fillStyle = color;
  ctx.lineWidth = 1.5 * uPlot.pxRatio;
  ctx.setLineDash([6 * uPlot.pxRatio, 4 * uPlot.pxRatio]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.font = `600 ${11 * uPlot.pxRatio}px system-ui, sans-serif`;
  ctx.textAlign = 'right';
  ctx.textBaseline = 'bottom';
  // A rim in the colour of the surface keeps the words readable on any area.
  ctx.setLineDash([]);
  ctx.lineJoin = 'round';
  ctx.lineWidth = 4 * uPlot.pxRatio;
  ctx.strokeStyle = rim;
  ctx.strokeText(label, bbox.left + bbox.width - 4 * uPlot.pxRatio, y - 3 * uPlot.pxRatio);
  ctx.fillText(label, bbox.left + bbox.width - 4 * uPlot.pxRatio, y - 3 * uPlot.pxRatio);
  ctx.restore();
}
