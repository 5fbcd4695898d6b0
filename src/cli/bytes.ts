import { InvalidArgumentError } from 'commander';
import { parseSize } from '../config/index.ts';

/** Reads a size such as `1GB`, `512MB` or `500 MiB` for a flag, in bytes. */
export function parseBytes(text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined) throw new InvalidArgumentError('Give a size such as 512MB or 1GB.');
  return bytes;
}
