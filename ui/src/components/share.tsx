import { percent } from '../format/quantity.ts';
import { Value } from './value.tsx';

/** A share of 1 as a bar and a number. */
export function Share({ of }: { of: number }) {
  return (
    <span class="share">
      <span class="share-track" aria-hidden="true">
        <span class="share-fill" style={{ inlineSize: `${Math.min(100, Math.max(0, of * 100))}%` }} />
      </span>
      <span class="share-number">
        <Value of={percent(of)} />
      </span>
    </span>
  );
}
