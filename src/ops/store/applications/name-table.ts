import type { ClientBase } from 'pg';
import { timeArray } from '../write/array-literal.ts';

/** A table of names: each has a number, and of those seen lately there is a limit for each group. */
export interface NameTable {
  table: string;
  /** Columns that tell one from another, with their types. */
  keys: Readonly<Record<string, 'integer' | 'text'>>;
  /** Those of the keys within whose values the limit is. */
  group: readonly string[];
  /** Kept with a new name. */
  extras: readonly string[];
  /** Names of a group that were seen within a day. */
  limit: number;
}

type Value = string | number | null;
export type NameRow = Readonly<Record<string, Value>> & { readonly at: number };

export interface Named {
  id: number;
  lastSeen: number;
}

/**
 * Numbers of names, in their order; new ones are made. Those for which there is no room become what `other` makes of them.
 */
export async function findNames<Row extends NameRow>(
  client: ClientBase,
  definition: NameTable,
  rows: readonly Row[],
  other: (row: Row) => Row,
): Promise<Named[]> {
  const known = await placesOf(client, definition, rows);
  const allowed = withinRoom(definition, rows, known);
  const admitted = rows.map((row, index) => (allowed.has(index) ? row : other(row)));
  const keys = Object.keys(definition.keys);
  const columns = [...keys, ...definition.extras];
  const { rows: made } = await client.query<{ id: number; lastSeen: Date }>(
    `
     WITH input AS (
       SELECT *
       FROM   unnest(${arraysOf(definition, columns)}, $${columns.length + 1}::timestamptz[])
              WITH ORDINALITY AS input (${columns.join(', ')}, at, place)
     ), made AS (
       INSERT INTO ${definition.table} AS kept (${columns.join(', ')}, first_seen, last_seen)
       SELECT   ${[...keys, ...definition.extras.map((name) => `min(${name})`)].join(', ')}, min(at), min(at)
       FROM     input
       GROUP BY ${keys.join(', ')}
       ON CONFLICT (${keysOfConstraint(definition).join(', ')}) DO UPDATE SET last_seen = kept.last_seen
       RETURNING *
     )
     SELECT   id, last_seen AS "lastSeen"
     FROM     input
     JOIN     made USING (${keys.join(', ')})
     ORDER BY place`,
    [...columns.map((name) => admitted.map((row) => row[name] ?? null)), timeArray(admitted.map(({ at }) => at))],
  );
  return made.map(({ id, lastSeen }) => ({ id, lastSeen: lastSeen.getTime() }));
}

/** An application belongs to one target, which its statements carry only to be found by. */
function keysOfConstraint({ keys }: NameTable): string[] {
  const names = Object.keys(keys);
  return names.includes('application_id') ? names.filter((name) => name !== 'target_id') : names;
}

function arraysOf({ keys }: NameTable, columns: readonly string[]): string {
  return columns.map((name, index) => `$${index + 1}::${keys[name] ?? 'text'}[]`).join(', ');
}

/** Which names exist, and how many more there may be in the group of each. */
async function placesOf(
  client: ClientBase,
  definition: NameTable,
  rows: readonly NameRow[],
): Promise<{ known: boolean; room: number }[]> {
  const keys = Object.keys(definition.keys);
  const group = definition.group.join(', ');
  const answer = await client.query<{ known: boolean; room: number }>(
    `
     WITH input AS (
       SELECT *
       FROM   unnest(${arraysOf(definition, keys)}) WITH ORDINALITY AS input (${keys.join(', ')}, place)
     ), lately AS (
       SELECT   ${group}, count(*)::integer AS many
       FROM     ${definition.table}
       WHERE    (${group}) IN (SELECT ${group} FROM input)
       AND      last_seen > now() - interval '1 day'
       GROUP BY ${group}
     )
     SELECT   id IS NOT NULL AS known, $${keys.length + 1} - coalesce(many, 0) AS room
     FROM     input
     LEFT     JOIN ${definition.table} USING (${keys.join(', ')})
     LEFT     JOIN lately USING (${group})
     ORDER BY place`,
    [...keys.map((name) => rows.map((row) => row[name] ?? null)), definition.limit],
  );
  return answer.rows;
}

/** Rows whose name is known or, as long as there is room in its group, new. */
function withinRoom(
  definition: NameTable,
  rows: readonly NameRow[],
  found: readonly { known: boolean; room: number }[],
): Set<number> {
  const allowed = new Set<number>();
  const taken = new Map<string, Set<string>>();
  for (const [index, row] of rows.entries()) {
    const place = found[index];
    const group = JSON.stringify(definition.group.map((name) => row[name]));
    const fresh = taken.get(group) ?? new Set<string>();
    taken.set(group, fresh);
    const name = JSON.stringify(Object.keys(definition.keys).map((key) => row[key]));
    if (!place?.known && !fresh.has(name) && fresh.size >= (place?.room ?? 0)) continue;
    if (!place?.known) fresh.add(name);
    allowed.add(index);
  }
  return allowed;
}
