import { PitcrewError } from '../../../errors.ts';

const units: Record<string, number> = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** Bytes of a size as SHOW writes it: `16MB`. */
export function sizeOfSetting(text: string): number {
  const [, number, unit] = /^(\d+)(B|kB|MB|GB)$/.exec(text) ?? [];
  const bytes = Number(number) * (units[unit ?? ''] ?? Number.NaN);
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new PitcrewError('E_INTERNAL', 'the server tells a size in a form that is not known', { detail: text });
}
