import { InvalidArgumentError } from 'commander';

/** As PostgreSQL reads sizes: units are powers of 1024. */
const units: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** Reads a size such as `1GB`, `512MB` or `500 MiB` for a flag, in bytes. */
export function parseBytes(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
  const bytes = Number(number) * (units[unit.toLowerCase()] ?? Number.NaN);
  if (number === undefined || !Number.isFinite(bytes))
    throw new InvalidArgumentError('Give a size such as 512MB or 1GB.');
  return Math.round(bytes);
}
