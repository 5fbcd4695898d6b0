import type { Quantity } from '../format/quantity.ts';
import { Sparkline } from './sparkline.tsx';
import { StatusMark, type Tone } from './status.tsx';

interface TileProps {
  title: string;
  value: Quantity;
  hint?: string;
  status?: Tone;
  spark?: readonly (readonly [number, number | null])[];
}

/** A headline figure with its recent course. */
export function Tile({ title, value, hint, status, spark }: TileProps) {
  return (
    <li class={`tile${spark ? '' : ' tile-plain'}`} title={hint}>
      <div class="tile-title">
        <span class="clip">{title}</span>
        {(status === 'warning' || status === 'critical') && <StatusMark tone={status} />}
      </div>
      <span class="tile-value">
        {value.value}
        {value.unit !== '' && <span class="unit">{value.unit}</span>}
      </span>
      {spark && <Sparkline points={spark} />}
    </li>
  );
}
