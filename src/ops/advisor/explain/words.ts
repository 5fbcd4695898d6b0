const figure = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });

/** An estimate: three significant digits. */
export function about(rows: number): string {
  if (rows >= 1e9) return `${short.format(rows / 1e9)} billion`;
  if (rows >= 1e6) return `${short.format(rows / 1e6)} million`;
  return rows < 1000 ? figure.format(rows) : short.format(rows);
}

/** A count that was measured: whole up to a million. */
export function counted(rows: number): string {
  return rows >= 1e6 ? about(rows) : figure.format(rows);
}

/** Bytes as PostgreSQL writes them: 1 kB is 1024. */
export function size(bytes: number): string {
  if (bytes >= 1024 ** 3) return `${short.format(bytes / 1024 ** 3)} GB`;
  if (bytes >= 1024 ** 2) return `${short.format(bytes / 1024 ** 2)} MB`;
  return `${short.format(bytes / 1024)} kB`;
}

/** Milliseconds, in seconds when there are many. */
export function duration(ms: number): string {
  if (ms >= 10_000) return `${figure.format(ms / 1000)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms >= 10 ? ms.toFixed(0) : ms.toFixed(1)} ms`;
}

/** A value for `work_mem` that has room for so many bytes: a power of two of megabytes. */
export function workMem(bytes: number): string {
  const megabytes = 2 ** Math.ceil(Math.log2(Math.max(1, bytes / 1024 ** 2)));
  return megabytes >= 1024 ? `${megabytes / 1024}GB` : `${megabytes}MB`;
}

/** A condition, cut where it would fill the line. */
export function shortened(condition: string): string {
  return condition.length <= 160 ? condition : `${condition.slice(0, 160)}…`;
}

/** A share: 0.034 → `3 %`, less than a percent with digits. */
export function percent(share: number): string {
  const value = share * 100;
  return `${value >= 1 || value === 0 ? figure.format(value) : short.format(value)} %`;
}
