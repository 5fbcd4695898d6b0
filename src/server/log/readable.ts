/** Log lines for a person at a terminal: time, level, channel, message, fields. */

const levels: Readonly<Record<number, [name: string, colour: string]>> = {
  10: ['trace', '\u001B[90m'],
  20: ['debug', '\u001B[90m'],
  30: ['info', '\u001B[36m'],
  40: ['warn', '\u001B[33m'],
  50: ['error', '\u001B[31m'],
  60: ['fatal', '\u001B[31m'],
};

interface LogLine {
  level: number;
  time: string;
  channel: string;
  msg?: string;
  err?: { message?: string; stack?: string };
  [field: string]: unknown;
}

/** One JSON line of the log as readable text; what is no JSON stays as it is. */
export function readableLine(json: string, colour: boolean): string {
  let line: LogLine;
  try {
    line = JSON.parse(json) as LogLine;
  } catch {
    return json;
  }
  const { level, time, channel, msg = '', err, ...fields } = line;
  const [name, start] = levels[level] ?? [String(level), ''];
  const shown = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? printable(value) : JSON.stringify(value)}`,
  );
  const reason = err?.message === undefined ? [] : [`${printable(err.message)}`];
  const text = [printable(msg), ...reason, ...shown].filter(Boolean).join('  ');
  const tag = name.toUpperCase().padEnd(5);
  return `${time.slice(11, 19)} ${colour ? `${start}${tag}\u001B[0m` : tag} ${channel}: ${text}\n`;
}

/** Text from databases must not move the cursor or forge lines: control characters are written out. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is replaced
  return text.replace(/[\u0000-\u001F\u007F-\u009F]/g, (character) => JSON.stringify(character).slice(1, -1));
}
