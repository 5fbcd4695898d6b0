import pg from 'pg';
import { type GrowingResult, type ResultShape, shapeOf, takeShape } from './driver.ts';

/** What a server has answered, before values were made of its texts: whoever asks makes their own, by type parsers of their own. */
export interface RawResult {
  readonly command: string;
  readonly rowCount: number | null;
  readonly fields: readonly pg.FieldDef[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** With these a statement gives rows of texts, as they came. */
export const rawConfig = {
  rowMode: 'array',
  types: { getTypeParser: () => (value: string) => value } satisfies pg.CustomTypesConfig as pg.CustomTypesConfig,
} as const;

/** @param result of a statement that was run with `rawConfig` */
export function rawOf({ command, rowCount, fields, rows }: pg.QueryResult): RawResult {
  return { command, rowCount, fields, rows: rows as unknown as (string | null)[][] };
}

const shapes = new WeakMap<RawResult, ResultShape>();

/** Makes a result as `pg` would have, for one caller: nobody else has any part of it that could be changed. */
export function resultOf(
  raw: RawResult,
  rowMode: string | undefined,
  types: pg.CustomTypesConfig | undefined,
): pg.QueryResult {
  const result = new pg.Result(rowMode as string, (types ?? pg.types) as never) as unknown as GrowingResult;
  const shape = shapes.get(raw);
  if (shape) {
    takeShape(result, shape);
  } else {
    result.addFields(raw.fields as pg.FieldDef[]);
    shapes.set(raw, shapeOf(result));
  }
  for (const row of raw.rows) result.rows.push(result.parseRow(row) as never);
  result.command = raw.command;
  // The types of pg do not know that it can be null.
  result.rowCount = raw.rowCount as number;
  return result;
}
