import type { ClientBase } from 'pg';
import { PitcrewError } from '../../../errors.ts';
import { storable } from '../storable.ts';
import {
  type MetricSample,
  type RelationKey,
  type StatementKey,
  statementKeyText,
  type StatementText,
} from '../types.ts';
import { numberArray, timeArray } from './array-literal.ts';
import { BoundedMap } from './bounded-map.ts';

export type RelationFamily = 'table' | 'index';

export interface SeriesKey {
  targetId: number;
  name: string;
  /** JSON with sorted keys, so that equal labels are equal texts. */
  labels: string;
  kind: MetricSample['kind'];
}

export interface Seen<Key> {
  targetId: number;
  key: Key;
  at: number;
}

/** A statement's `last_seen` is brought up to date when it is behind by this much. */
const lastSeenLagMs = 60_000;
/** About 10 MB at most. */
const cachedKeys = 50_000;
const longestLabel = 300;

export function seriesKey(targetId: number, { name, labels = {}, kind }: MetricSample): SeriesKey {
  const cut = (text: string): string => storable(text).slice(0, longestLabel).toWellFormed();
  const entries = Object.entries(labels).map(([label, value]) => [cut(label), cut(String(value))] as const);
  const sorted = entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { targetId, name: cut(name), labels: JSON.stringify(Object.fromEntries(sorted)), kind };
}

/**
 * Numbers of series, statements and relations, kept in memory. New ones are committed at once, before the rows that use
 * them, so that a number in memory always exists in the store.
 */
export class Dimensions {
  readonly #series = new BoundedMap<number>(cachedKeys);
  readonly #statements = new BoundedMap<{ id: number; lastSeen: number }>(cachedKeys);
  readonly #relations = new BoundedMap<number>(cachedKeys);

  /** After a lost session the store may be another one. */
  forget(): void {
    this.#series.clear();
    this.#statements.clear();
    this.#relations.clear();
  }

  async series(client: ClientBase, keys: readonly SeriesKey[]): Promise<number[]> {
    const textOf = ({ targetId, name, labels, kind }: SeriesKey): string => `${targetId}\n${kind}\n${name}\n${labels}`;
    return resolve(keys, textOf, this.#series, async (missing) => {
      const values = [
        numberArray(missing.map(({ targetId }) => targetId)),
        missing.map(({ name }) => name),
        missing.map(({ labels }) => labels),
        missing.map(({ kind }) => kind),
      ];
      const input = `
        (SELECT target_id, name, labels::jsonb AS labels, kind, place
         FROM   unnest($1::integer[], $2::text[], $3::text[], $4::text[])
                WITH ORDINALITY AS input (target_id, name, labels, kind, place)) AS input`;
      await client.query(
        `
         INSERT INTO pitcrew.series (target_id, name, labels, kind)
         SELECT target_id, name, labels, kind
         FROM   ${input}
         ON CONFLICT DO NOTHING`,
        values,
      );
      const { rows } = await client.query<{ id: number }>(
        `
         SELECT   id
         FROM     ${input}
         JOIN     pitcrew.series USING (target_id, name, labels, kind)
         ORDER BY place`,
        values,
      );
      return rows.map(({ id }) => id);
    });
  }

  /** Numbers of statements, and which of them should have their `last_seen` moved on. */
  async statements(
    client: ClientBase,
    seen: readonly Seen<StatementKey>[],
  ): Promise<{ ids: number[]; stale: Map<number, number> }> {
    const textOf = ({ targetId, key }: Seen<StatementKey>): string => `${targetId}/${statementKeyText(key)}`;
    const entries = await resolve(seen, textOf, this.#statements, async (missing) => {
      const values = statementArrays(missing);
      await client.query(
        `
         INSERT INTO pitcrew.statement (target_id, database, username, query_id, toplevel, first_seen, last_seen)
         SELECT target_id, database, username, query_id, toplevel, at, at
         FROM   ${statementInput}
         LEFT   JOIN pitcrew.statement USING (target_id, database, username, query_id, toplevel)
         WHERE  statement.id IS NULL
         ON CONFLICT DO NOTHING`,
        values,
      );
      const { rows } = await client.query<{ id: number; lastSeen: Date }>(
        `
         SELECT   id, last_seen AS "lastSeen"
         FROM     ${statementInput}
         JOIN     pitcrew.statement USING (target_id, database, username, query_id, toplevel)
         ORDER BY place`,
        values,
      );
      return rows.map(({ id, lastSeen }) => ({ id, lastSeen: lastSeen.getTime() }));
    });
    const stale = new Map<number, number>();
    for (const [index, entry] of entries.entries()) {
      const at = seen[index]?.at ?? 0;
      if (at < entry.lastSeen + lastSeenLagMs) continue;
      stale.set(entry.id, at);
      entry.lastSeen = at;
    }
    return { ids: entries.map(({ id }) => id), stale };
  }

  /** Stores texts of statements, which may come before or after the first counters. */
  async texts(client: ClientBase, seen: readonly (Seen<StatementKey> & { text: StatementText })[]): Promise<void> {
    const byKey = new Map(seen.map((one) => [`${one.targetId}/${statementKeyText(one.key)}`, one]));
    const unique = [...byKey.values()];
    if (unique.length === 0) return;
    await client.query(
      `
       INSERT INTO pitcrew.statement AS kept
              (target_id, database, username, query_id, toplevel, first_seen, last_seen, text, own)
       SELECT target_id, database, username, query_id, toplevel, at, at, text, own
       FROM   unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::timestamptz[],
                     $7::text[], $8::boolean[])
              AS input (target_id, database, username, query_id, toplevel, at, text, own)
       ON CONFLICT (target_id, query_id, database, username, toplevel)
       DO UPDATE SET text = excluded.text, own = excluded.own
       WHERE  (kept.text, kept.own) IS DISTINCT FROM (excluded.text, excluded.own)`,
      [...statementArrays(unique), unique.map(({ text }) => storable(text.text)), unique.map(({ text }) => text.own)],
    );
  }

  async relations(client: ClientBase, family: RelationFamily, seen: readonly Seen<RelationKey>[]): Promise<number[]> {
    const textOf = ({ targetId, key }: Seen<RelationKey>): string =>
      `${targetId}\n${family}\n${key.schema}\n${key.name}`;
    return resolve(seen, textOf, this.#relations, async (missing) => {
      const values = [
        family,
        numberArray(missing.map(({ targetId }) => targetId)),
        missing.map(({ key }) => storable(key.schema)),
        missing.map(({ key }) => storable(key.name)),
        missing.map(({ key }) => (key.parent === undefined ? null : storable(key.parent))),
        timeArray(missing.map(({ at }) => at)),
      ];
      const input = `
        unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
        WITH ORDINALITY AS input (target_id, schema, name, parent, at, place)`;
      await client.query(
        `
         INSERT INTO pitcrew.relation AS kept (target_id, family, schema, name, parent, first_seen, last_seen)
         SELECT target_id, $1, schema, name, parent, at, at
         FROM   ${input}
         ON CONFLICT (target_id, family, schema, name) DO UPDATE SET parent = excluded.parent
         WHERE  kept.parent IS DISTINCT FROM excluded.parent`,
        values,
      );
      const { rows } = await client.query<{ id: number }>(
        `
         SELECT   relation.id
         FROM     ${input}
         JOIN     pitcrew.relation USING (target_id, schema, name)
         WHERE    family = $1
         ORDER BY place`,
        values,
      );
      return rows.map(({ id }) => id);
    });
  }
}

/** Finds what memory knows and asks `find` for the rest, each key once; answers in the order of `keys`. */
export async function resolve<Key, Entry>(
  keys: readonly Key[],
  textOf: (key: Key) => string,
  cache: BoundedMap<Entry>,
  find: (missing: Key[]) => Promise<Entry[]>,
): Promise<Entry[]> {
  const texts = keys.map(textOf);
  const found = new Map<string, Entry>();
  const missing = new Map<string, Key>();
  for (const [index, key] of keys.entries()) {
    const text = texts[index] ?? '';
    const entry = cache.get(text);
    if (entry === undefined) missing.set(text, key);
    else found.set(text, entry);
  }
  if (missing.size > 0) {
    const entries = await find([...missing.values()]);
    if (entries.length !== missing.size) {
      throw new PitcrewError('E_INTERNAL', 'the store did not give a number for every name', {
        detail: `${entries.length} for ${missing.size}`,
      });
    }
    for (const [index, text] of [...missing.keys()].entries()) {
      const entry = entries[index];
      if (entry === undefined) continue;
      cache.set(text, entry);
      found.set(text, entry);
    }
  }
  return texts.map((text) => {
    const entry = found.get(text);
    if (entry === undefined) throw new PitcrewError('E_INTERNAL', 'the store gave no number', { detail: text });
    return entry;
  });
}

const statementInput = `
  unnest($1::integer[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::timestamptz[])
  WITH ORDINALITY AS input (target_id, database, username, query_id, toplevel, at, place)`;

function statementArrays(seen: readonly Seen<StatementKey>[]): unknown[] {
  return [
    numberArray(seen.map(({ targetId }) => targetId)),
    seen.map(({ key }) => storable(key.database)),
    seen.map(({ key }) => storable(key.user)),
    seen.map(({ key }) => storable(key.queryId)),
    seen.map(({ key }) => key.toplevel),
    timeArray(seen.map(({ at }) => at)),
  ];
}
