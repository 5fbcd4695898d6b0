import { bytes, milliseconds, textOf } from '../format/quantity.ts';

const byteUnits: Record<string, number> = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };
const timeUnits: Record<string, number> = { us: 0.001, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * A setting as a person would write it: pg_settings gives 16384 of unit 8kB, which is 128 MiB. `raw` keeps the server's form.
 * -1 and 0 often mean "off" or "no limit", so they stay as they are.
 */
export function settingValue(value: string, unit: string | null): { shown: string; raw: string } {
  const raw = unit === null ? value : `${value} × ${unit}`;
  const amount = Number(value);
  const [, factor, name = ''] = /^(\d*)([a-zA-Z]+)$/.exec(unit ?? '') ?? [];
  if (unit === null || value.trim() === '' || !Number.isFinite(amount) || amount <= 0) {
    return { shown: value === '' ? '(empty)' : value, raw };
  }
  const times = amount * Number(factor || 1);
  const [byte, time] = [byteUnits[name], timeUnits[name]];
  if (byte !== undefined) return { shown: textOf(bytes(times * byte)), raw };
  if (time !== undefined) return { shown: textOf(milliseconds(times * time)), raw };
  return { shown: `${value} ${unit}`, raw };
}
