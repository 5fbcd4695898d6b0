import type { Quantity } from '../format/quantity.ts';
import { ago, moment, utc } from '../format/time.ts';

/** A number with its unit muted, so that columns of numbers read well. */
export function Value({ of, title }: { of: Quantity; title?: string }) {
  return (
    <span class="nowrap" title={title}>
      {of.value}
      {of.unit !== '' && <span class="unit">{of.unit}</span>}
    </span>
  );
}

/** A moment in the browser's zone, in UTC on its title. Takes ISO 8601 or milliseconds. */
export function Time({
  at,
  relative,
  fallback = 'never',
}: {
  at: string | number | null | undefined;
  relative?: boolean;
  fallback?: string;
}) {
  if (at === null || at === undefined) return <span class="muted">{fallback}</span>;
  const ms = typeof at === 'number' ? at : Date.parse(at);
  return (
    <time class="nowrap" dateTime={new Date(ms).toISOString()} title={`${moment(ms)} · ${utc(ms)}`}>
      {relative ? ago(ms) : moment(ms)}
    </time>
  );
}
