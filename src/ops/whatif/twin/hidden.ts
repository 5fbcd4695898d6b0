import type pg from 'pg';
import { PitcrewError } from '../../../errors.ts';
import type { IndexName } from '../types.ts';

/**
 * The oids of indexes on the twin, with those of their partitions.
 * @throws {PitcrewError} `E_NOT_FOUND` when the twin has no such index.
 */
export async function findIndexes(owner: pg.Client, names: readonly IndexName[]): Promise<number[]> {
  if (names.length === 0) return [];
  const { rows } = await owner.query<{ position: number; oid: number }>(
    `
    SELECT w.position::int4 AS "position",
           t.oid            AS "oid"
      FROM unnest($1::name[], $2::name[]) WITH ORDINALITY AS w (schema, name, position)
      JOIN pg_namespace n ON n.nspname = w.schema
      JOIN pg_class c     ON c.relnamespace = n.oid AND c.relname = w.name AND c.relkind IN ('i', 'I')
     CROSS JOIN LATERAL (SELECT c.oid WHERE c.relkind = 'i'
                         UNION ALL
                         SELECT p.relid FROM pg_partition_tree(c.oid) p WHERE c.relkind = 'I') t (oid)
    `,
    [names.map(({ schema }) => schema), names.map(({ name }) => name)],
  );
  const found = new Set(rows.map(({ position }) => position));
  const missing = names.find((_, index) => !found.has(index + 1));
  if (missing) {
    throw new PitcrewError('E_NOT_FOUND', `the twin has no index ${missing.schema}.${missing.name}`, {
      detail: 'It does not exist on the watched database, is not valid there, or could not be carried over.',
    });
  }
  return rows.map(({ oid }) => oid);
}
