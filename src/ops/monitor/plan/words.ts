const figure = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 });

/** An estimate: three significant digits. */
export function about(rows: number): string {
  if (rows >= 1e9) return `${short.format(rows / 1e9)} billion`;
  if (rows >= 1e6) return `${short.format(rows / 1e6)} million`;
  return rows < 1000 ? figure.format(rows) : short.format(rows);
}

/** Bytes as PostgreSQL writes them: 1 kB is 1024. */
export function size(bytes: number): string {
  if (bytes >= 1024 ** 3) return `${short.format(bytes / 1024 ** 3)} GB`;
  if (bytes >= 1024 ** 2) return `${short.format(bytes / 1024 ** 2)} MB`;
  return `${short.format(bytes / 1024)} kB`;
}

/** A condition, cut where it would fill the line. */
export function shortened(condition: string): string {
  return condition.length <= 160 ? condition : `${condition.slice(0, 160)}…`;
}
