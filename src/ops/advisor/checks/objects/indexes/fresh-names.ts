import type { DatabaseConnection } from '../../../../../engine/postgres/index.ts';

/** PostgreSQL cuts longer names, in bytes. */
const longest = 63;

/** Gives names for new indexes, after PostgreSQL's own fashion, that nothing else in the schema has. */
export async function freshNames(
  connection: DatabaseConnection,
): Promise<(schema: string, table: string, columns: readonly string[]) => string> {
  const rows = await connection.run<{ schema: string; names: string[] }>(
    `
    SELECT n.nspname                   AS "schema",
           array_agg(c.relname::text)  AS "names"
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
     GROUP BY n.nspname
    `,
  );
  const taken = new Map(rows.map(({ schema, names }) => [schema, new Set(names)]));
  return (schema, table, columns) => {
    const used = taken.get(schema) ?? new Set();
    taken.set(schema, used);
    for (let number = 0; ; number += 1) {
      const end = `_idx${number === 0 ? '' : number}`;
      const name = `${cut([table, ...columns].join('_'), longest - end.length)}${end}`;
      if (used.has(name)) continue;
      used.add(name);
      return name;
    }
  };
}

/** The beginning of a text that fits into so many bytes, without half a character at its end. */
function cut(text: string, most: number): string {
  let kept = text;
  while (Buffer.byteLength(kept) > most) kept = [...kept].slice(0, -1).join('');
  return kept;
}
