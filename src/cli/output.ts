import { styleText } from 'node:util';
import { type PitcrewError, toPitcrewError } from '../errors.ts';

type Style = Parameters<typeof styleText>[0];

/** Colours a text for a stream; plain where it is not a terminal, or with NO_COLOR or --no-color. */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return styleText(style, text, { stream });
}

/** Writes a result to stdout. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Writes the one JSON document of a `--json` run to stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Writes progress to stderr. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * Prints an error: fact, detail, hint; never a stack trace.
 * @returns the exit code that belongs to it.
 */
export function printError(thrown: unknown, { json }: { json: boolean }): number {
  const error = toPitcrewError(thrown);
  if (json) printJson({ error: errorDocument(error) });
  const lines = [
    `${paint(['red', 'bold'], 'error', process.stderr)} ${error.message} ${paint('dim', `(${error.code})`, process.stderr)}`,
  ];
  for (const line of error.detail?.split('\n') ?? []) lines.push(`  ${line}`);
  if (error.hint) lines.push(`  ${paint('dim', 'hint', process.stderr)} ${error.hint}`);
  process.stderr.write(`${lines.join('\n')}\n`);
  return error.exitCode;
}

function errorDocument({ code, message, detail, hint, sqlState }: PitcrewError): Record<string, string | undefined> {
  return { code, message, detail, hint, sqlState };
}
