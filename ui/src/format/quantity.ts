/**
 * Numbers as people read them: as many digits as one can take in, and a unit. A quantity keeps value and unit apart, so that
 * tables can align the one and mute the other; `textOf` joins them with a no-break space.
 */
export interface Quantity {
  value: string;
  unit: string;
}

const nothing: Quantity = { value: '–', unit: '' };

export function textOf({ value, unit }: Quantity): string {
  return unit === '' ? value : `${value}\u00A0${unit}`;
}

const formatters = new Map<string, Intl.NumberFormat>();

function decimal(value: number, options: Intl.NumberFormatOptions): string {
  const key = JSON.stringify(options);
  let formatter = formatters.get(key);
  if (!formatter) formatters.set(key, (formatter = new Intl.NumberFormat('en-US', options)));
  return formatter.format(value);
}

/** How a quantity is written. */
export type Format = (value: number, write?: Write) => Quantity;

/** How a number becomes text: `digits`, or `exact` where every digit counts, as on an axis. */
type Write = (value: number) => string;

/** Two significant digits below one, one decimal below a hundred, whole numbers above: 0.041, 2.7, 27.5, 1,234. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return decimal(Math.round(value), { maximumFractionDigits: 0 });
  return decimal(value, size < 0.995 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 1 });
}

/** Every digit, grouped: 1,234,567. */
export function exact(value: number): string {
  return decimal(value, { maximumFractionDigits: 3 });
}

/** Takes the largest unit that the value, rounded, fills. `units` ascend: `[factor, name]`. */
function scaled(value: number, units: readonly (readonly [number, string])[], write: Write): Quantity {
  const size = Math.abs(value);
  let chosen = units[0] ?? [1, ''];
  // 999.6 kB reads better as 1 MB than as 1,000 kB: compare with what the rounding would show.
  for (const unit of units) if (size >= unit[0] * 0.9995) chosen = unit;
  return { value: write(value / chosen[0]), unit: chosen[1] };
}

const thousands = [
  [1, ''],
  [1e3, 'k'],
  [1e6, 'M'],
  [1e9, 'B'],
  [1e12, 'T'],
] as const;

/** A count: 0, 12, 9,876, 12.3 k, 4.6 M. */
export function count(value: number | null | undefined, write: Write = digits): Quantity {
  if (value === null || value === undefined || !Number.isFinite(value)) return nothing;
  if (Math.abs(value) < 9999.5) return { value: write(value), unit: '' };
  return scaled(value, thousands, write);
}

/** Something per second: 12.3 /s. */
export function rate(value: number | null | undefined, write: Write = digits): Quantity {
  const { value: shown, unit } = count(value, write);
  return shown === nothing.value ? nothing : { value: shown, unit: `${unit}/s` };
}

const byteUnits = [
  [1, 'B'],
  [1024, 'KiB'],
  [1024 ** 2, 'MiB'],
  [1024 ** 3, 'GiB'],
  [1024 ** 4, 'TiB'],
  [1024 ** 5, 'PiB'],
] as const;

export function bytes(value: number | null | undefined, write: Write = digits): Quantity {
  if (value === null || value === undefined || !Number.isFinite(value)) return nothing;
  return scaled(value, byteUnits, write);
}

export function byteRate(value: number | null | undefined, write: Write = digits): Quantity {
  const { value: shown, unit } = bytes(value, write);
  return shown === nothing.value ? nothing : { value: shown, unit: `${unit}/s` };
}

/** A change of bytes with its sign: +1.2 MiB, −3 KiB, ±0. */
export function byteChange(value: number | null | undefined): Quantity {
  if (value === null || value === undefined || !Number.isFinite(value)) return nothing;
  if (value === 0) return { value: '±0', unit: '' };
  const { value: shown, unit } = bytes(Math.abs(value));
  return { value: `${value > 0 ? '+' : '−'}${shown}`, unit };
}

/** A share of 1 as per cent. What rounds to 100 but is not all is written 99.9: the difference is what one looks for. */
export function percent(value: number | null | undefined): Quantity {
  if (value === null || value === undefined || !Number.isFinite(value)) return nothing;
  const hundredths = value * 100;
  if (hundredths > 99 && hundredths < 100)
    return { value: (Math.floor(hundredths * 100 + 1e-6) / 100).toFixed(2), unit: '%' };
  if (hundredths > 0 && hundredths < 0.1) return { value: '<0.1', unit: '%' };
  return { value: decimal(hundredths, { maximumFractionDigits: Math.abs(hundredths) < 99.95 ? 1 : 0 }), unit: '%' };
}

/** A relative change: +12 %, −40 %, ×3.2 from a doubling on. */
export function change(value: number | null | undefined): Quantity {
  if (value === null || value === undefined || !Number.isFinite(value)) return nothing;
  if (value >= 1) return { value: `×${digits(1 + value)}`, unit: '' };
  const rounded = Math.round(value * 100);
  if (rounded === 0) return { value: '±0', unit: '%' };
  return { value: `${rounded > 0 ? '+' : '−'}${Math.abs(rounded)}`, unit: '%' };
}

/** Milliseconds: 4.2 µs, 0.42 ms, 12.3 ms, 1.2 s, 2 min 5 s. */
export function milliseconds(value: number | null | undefined, write: Write = digits): Quantity {
  if (value === null || value === undefined || !Number.isFinite(value)) return nothing;
  const size = Math.abs(value);
  if (size === 0) return { value: '0', unit: 'ms' };
  if (size < 0.1) return { value: write(value * 1000), unit: 'µs' };
  if (size < 999.5) return { value: write(value), unit: 'ms' };
  if (size < 59_950) return { value: write(value / 1000), unit: 's' };
  return { value: span(value), unit: '' };
}

export function seconds(value: number | null | undefined): Quantity {
  return value === null || value === undefined ? nothing : milliseconds(value * 1000);
}

const spans = [
  [86_400, 'd'],
  [3600, 'h'],
  [60, 'min'],
  [1, 's'],
] as const;

/** A span of time in its two largest units, from milliseconds: 3 s, 2 min 5 s, 4 h 12 min, 3 d 1 h. */
export function span(ms: number): string {
  const total = Math.max(0, Math.round(ms / 1000));
  const first = spans.findIndex(([length]) => total >= length);
  const [large, small] = [spans[first], spans[first + 1]];
  if (!large) return '0\u00A0s';
  const rest = small ? Math.floor((total % large[0]) / small[0]) : 0;
  const head = `${Math.floor(total / large[0])}\u00A0${large[1]}`;
  return small && rest > 0 ? `${head}\u00A0${rest}\u00A0${small[1]}` : head;
}
