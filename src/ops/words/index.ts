/** Figures in the units that a reader thinks in. Sizes are PostgreSQL's: 1 kB is 1024 bytes. */

const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const oneDecimal = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

/** `12,345`; from a million on `1.6 million`, `2 billion`. */
export function count(value: number): string {
  if (value >= 999_500_000) return `${oneDecimal.format(value / 1e9)} billion`;
  if (value >= 1_000_000) return `${oneDecimal.format(value / 1e6)} million`;
  return number.format(value);
}

/** `1 table`, `3 tables`. */
export function counted(value: number, singular: string, plural = `${singular}s`): string {
  return `${count(value)} ${value === 1 ? singular : plural}`;
}

/** A ratio as `38 %`; with a decimal below 10 and above 95, and never rounded up to a whole that it is not. */
export function percent(ratio: number): string {
  const value = ratio * 100;
  if (value > 95 && value < 100) return `${oneDecimal.format(Math.floor(value * 10) / 10)} %`;
  if (value > 0 && value < 0.1) return 'under 0.1 %';
  return value < 10 ? `${oneDecimal.format(value)} %` : `${number.format(value)} %`;
}

/** `512 bytes`, `1.5 GB`. */
export function bytes(value: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const step = value < 1 ? 0 : Math.min(Math.floor(Math.log2(value) / 10), units.length - 1);
  const scaled = value / 1024 ** step;
  return `${scaled < 10 && step > 0 ? oneDecimal.format(scaled) : number.format(scaled)} ${units[step]}`;
}

/** `0.4 ms`, `40 ms`, `12 s`, `5 min`, `2 h 30 min`, `3 days`. */
export function duration(seconds: number): string {
  if (seconds > 0 && seconds < 0.000_05) return 'under 0.1 ms';
  if (seconds < 1) return `${(seconds < 0.01 ? oneDecimal : number).format(seconds * 1000)} ms`;
  if (seconds < 10) return `${oneDecimal.format(seconds)} s`;
  if (seconds < 120) return `${number.format(Math.floor(seconds))} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)} days`;
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}

/** `a, b, c and 4 more`. */
export function listed(names: readonly string[], most = 3): string {
  const shown = names.slice(0, most);
  const rest = names.length - shown.length;
  if (rest > 0) return `${shown.join(', ')} and ${rest} more`;
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** "in the last 5 minutes", for a span of so many seconds. */
export function lately(seconds: number): string {
  if (seconds < 90) return `in the last ${Math.max(1, Math.round(seconds))} seconds`;
  const minutes = Math.round(seconds / 60);
  return minutes >= 60 ? 'in the last hour' : `in the last ${minutes} minutes`;
}

/** "Buffer cache" within a sentence: "buffer cache"; names such as "WAL archiving" stay. */
export function lowerFirst(text: string): string {
  return /^[A-Z][A-Z]/.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1);
}
