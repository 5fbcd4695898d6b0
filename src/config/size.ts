const unitBytes = { B: 1, kB: 1024, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 };

/**
 * Reads `"512MB"`, `"1.5 GB"` or a plain number of bytes, with PostgreSQL's units (1 kB is 1024 bytes; `KiB`, `MiB`, … mean the same);
 * `undefined` when it is none of them.
 */
export function parseSize(text: string | number): number | undefined {
  if (typeof text === 'number') return Number.isFinite(text) && text >= 0 ? Math.round(text) : undefined;
  const match = /^\s*(\d+(?:\.\d+)?)\s*(B|[kKMGT]i?B)?\s*$/.exec(text);
  if (!match) return undefined;
  const unit = (match[2] ?? 'B').replace('i', '') as keyof typeof unitBytes;
  return Math.round(Number(match[1]) * unitBytes[unit]);
}

/** Writes bytes in the largest unit that divides them: 1_073_741_824 → `"1GB"`. */
export function formatSize(bytes: number): string {
  for (const unit of ['TB', 'GB', 'MB', 'kB'] as const) {
    if (bytes >= unitBytes[unit] && bytes % unitBytes[unit] === 0) return `${bytes / unitBytes[unit]}${unit}`;
  }
  return `${bytes}B`;
}
