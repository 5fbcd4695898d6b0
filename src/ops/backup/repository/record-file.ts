import { Buffer } from 'node:buffer';
import { text as readAll } from 'node:stream/consumers';
import type { z } from 'zod';
import { messageOf, PitcrewError } from '../../../errors.ts';
import type { Storage } from '../storage/index.ts';

/** A record as the text of its file. */
export function recordText<Schema extends z.ZodType>(schema: Schema, value: z.output<Schema>): string {
  return `${JSON.stringify(schema.encode(value), null, 2)}\n`;
}

/** Stores a small file. @throws {PitcrewError} `E_CONFLICT` when `onlyNew`, and there is one; `E_STORAGE` */
export async function storeText(
  storage: Storage,
  key: string,
  text: string,
  options: { onlyNew?: boolean } = {},
): Promise<void> {
  await storage.put(key, oneText(text), options);
}

/** @returns `undefined` when it is not there @throws {PitcrewError} `E_BACKUP_DAMAGED`, `E_STORAGE` */
export async function readRecord<Value>(
  storage: Storage,
  key: string,
  schema: { parse(value: unknown): Value },
): Promise<Value | undefined> {
  if (!(await storage.head(key))) return undefined;
  const content = await readAll(storage.get(key));
  try {
    return schema.parse(JSON.parse(content));
  } catch (error) {
    throw new PitcrewError('E_BACKUP_DAMAGED', 'a record of the repository cannot be read', {
      detail: `${key} in ${storage.name}: ${messageOf(error)}`,
      cause: error,
    });
  }
}

async function* oneText(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}
