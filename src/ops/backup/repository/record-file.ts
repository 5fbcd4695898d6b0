import { Buffer } from 'node:buffer';
import type { z } from 'zod';
import type { Storage } from '../storage/index.ts';

/** Stores a record as JSON. @throws {PitcrewError} `E_CONFLICT` when it is to be new and is not */
export async function writeRecord<Schema extends z.ZodType>(
  storage: Storage,
  key: string,
  schema: Schema,
  value: z.output<Schema>,
  { onlyNew }: { onlyNew: boolean },
): Promise<void> {
  await storage.put(key, oneText(`${JSON.stringify(schema.encode(value), null, 2)}\n`), { onlyNew });
}

async function* oneText(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}
