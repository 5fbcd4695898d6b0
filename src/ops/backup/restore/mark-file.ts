import { readFile } from 'node:fs/promises';
import type { z } from 'zod';

/** What a restore has noted of itself in a file; `undefined` where there is none, or one that was being written when its process was killed. */
export async function readMark<Schema extends z.ZodType>(
  path: string,
  schema: Schema,
): Promise<z.output<Schema> | undefined> {
  try {
    return schema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
