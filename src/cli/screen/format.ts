/** Figures for people at a terminal. All return `–` for what is not known. */

const unknown = '–';

/** 1234567 → `1.23M`; below 10,000 with up to one decimal. */
export function formatCount(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return unknown;
  const units = ['', 'k', 'M', 'G', 'T'];
  let scaled = value;
  let unit = 0;
  while (Math.abs(scaled) >= 10_000 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  const digits = Number.isInteger(scaled) || Math.abs(scaled) >= 100 ? 0 : 1;
  return `${scaled.toFixed(digits)}${units[unit]}`;
}

/** Bytes in binary units: 1536 → `1.5 KiB`. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined || !Number.isFinite(bytes)) return unknown;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let scaled = bytes;
  let unit = 0;
  while (Math.abs(scaled) >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${unit === 0 || Math.abs(scaled) >= 100 ? scaled.toFixed(0) : scaled.toFixed(1)} ${units[unit]}`;
}

/** Milliseconds as the largest sensible unit: 0.42 → `0.42 ms`, 95_000 → `1 min 35 s`. */
export function formatMs(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return unknown;
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${(ms / 1000).toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** 0.9732 → `97.3 %`. */
export function formatRatio(ratio: number | null | undefined): string {
  if (ratio === null || ratio === undefined || !Number.isFinite(ratio)) return unknown;
  return `${(ratio * 100).toFixed(1)} %`;
}

/** Cuts a text to a width and folds its white space, so that it stays on one line. */
export function oneLine(text: string, width: number): string {
  const folded = text.replace(/\s+/g, ' ').trim();
  return folded.length <= width ? folded : `${folded.slice(0, Math.max(0, width - 1))}…`;
}

/** A text in lines of at most `width`, each after the indent; words that are longer than a line stand out. */
export function wrapped(
  text: string,
  width: number,
  indent: string,
  painted: (line: string) => string = (line) => line,
): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && indent.length + last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines.map((line) => indent + painted(line));
}
