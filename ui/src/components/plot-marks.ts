import uPlot from 'uplot';
import { type PlacedMark, toneOf } from './marks.ts';
import type { Tone } from './status.tsx';

type ToneColors = Readonly<Record<Tone, string>>;

/** The colours of tones, by custom property; what only happened has that of the accent. */
export function toneColors(colorOf: (property: string) => string): ToneColors {
  return {
    ok: colorOf('--ok'),
    warning: colorOf('--warning'),
    critical: colorOf('--critical'),
    unknown: colorOf('--unknown'),
    info: colorOf('--accent'),
  };
}

/** A thin line from top to bottom for each mark, with a point at its head that says by its colour how grave it is. */
export function drawMarks(plot: uPlot, placed: readonly PlacedMark[], colors: ToneColors, line: string): void {
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.lineWidth = ratio;
  for (const mark of placed) {
    const x = Math.round(bbox.left + mark.x * ratio) + 0.5;
    ctx.strokeStyle = line;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.fillStyle = colors[toneOf(mark)];
    ctx.beginPath();
    ctx.moveTo(x - 5 * ratio, bbox.top - 7 * ratio);
    ctx.lineTo(x + 5 * ratio, bbox.top - 7 * ratio);
    ctx.lineTo(x, bbox.top);
    ctx.fill();
  }
  ctx.restore();
}
