import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The number behind an option: `--scale 0.1`. */
export function numberAfter(args: readonly string[], option: string): number | undefined {
  const at = args.indexOf(option);
  if (at < 0) return undefined;
  const value = Number(args[at + 1]);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${option} wants a number greater than 0`);
  return value;
}

export function pitcrewVersion(): string {
  const file = join(import.meta.dirname, '../../package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
