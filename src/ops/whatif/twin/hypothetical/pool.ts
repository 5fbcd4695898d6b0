import type pg from 'pg';
import { LRUCache } from 'lru-cache';
import { quoteIdentifier } from '../../../../engine/postgres/index.ts';
import { createIndexStatement } from '../../create-index.ts';
import type { HypotheticalIndex } from '../../types.ts';
import { helpers } from '../build/helpers.ts';
import { frontPages } from '../files/front.ts';
import { blockSize } from '../files/page.ts';
import { extendSparsely } from '../files/sparse.ts';
import { asQueryError } from '../query-error.ts';
import { estimateSize, type IndexSize } from './size.ts';
import { type IndexedTable, indexedTables } from './tables.ts';

/** An index that was made on the twin and is hidden until a statement is planned with it. */
export interface MadeIndex {
  /** Of the index, and of those of all partitions. */
  oids: readonly number[];
  /** `[schema, name]` of each: what plans may call it. */
  names: readonly (readonly [string, string])[];
  bytes: number;
}

export interface IndexPool {
  /** Makes the index unless it is there. */
  get(index: HypotheticalIndex): Promise<MadeIndex>;
  /** Which hypothetical index an index of the twin belongs to. */
  idOf(schema: string, name: string): string | undefined;
}

/** So many are kept; the one that was not asked for longest goes first. */
const keptIndexes = 2000;

interface Kept extends MadeIndex {
  id: string;
  statement: string;
  drop: string;
}

export function openIndexPool(owner: pg.Client, dataDir: string): IndexPool {
  const ids = new Map<string, string>();
  const dropped: Kept[] = [];
  const kept = new LRUCache<string, Kept>({
    max: keptIndexes,
    dispose: (index, _id, reason) => {
      if (reason !== 'delete') dropped.push(index);
    },
  });

  async function dropPending(): Promise<void> {
    for (let index = dropped.pop(); index; index = dropped.pop()) {
      for (const name of index.names) ids.delete(key(...name));
      await owner.query(index.drop);
    }
  }

  async function make(index: HypotheticalIndex, statement: string): Promise<Kept> {
    await owner.query('BEGIN');
    try {
      const tables = await indexedTables(owner, index);
      await owner.query(`SET LOCAL search_path = ${quoteIdentifier(index.schema)}, public`);
      await buildOnNothing(owner, tables, statement);
      const parts = await findParts(owner, index);
      const sizes = await measure(owner, index, tables, parts);
      await owner.query(`SELECT ${helpers}.toggle('{}', $1)`, [parts.map(({ oid }) => oid)]);
      await owner.query('COMMIT');
      const stored = parts.filter(({ file }) => file !== null).map(({ oid }) => oid);
      await owner.query(`SELECT ${helpers}.evict($1)`, [stored]);
      for (const [position, { file }] of parts.entries()) {
        const size = sizes[position];
        if (file !== null && size) extendSparsely(dataDir, file, size.pages, frontPages(index.method, size));
      }
      return {
        id: index.id,
        statement,
        drop: `DROP INDEX IF EXISTS ${quoteIdentifier(index.schema)}.${quoteIdentifier(index.id)}`,
        oids: parts.map(({ oid }) => oid),
        names: parts.map(({ schema, name }) => [schema, name] as const),
        bytes: sizes.reduce((sum, size) => sum + (size?.pages ?? 0) * blockSize, 0),
      };
    } catch (error) {
      await owner.query('ROLLBACK').catch(() => {});
      throw asQueryError(error);
    }
  }

  return {
    idOf: (schema, name) => ids.get(key(schema, name)),
    async get(index) {
      const statement = createIndexStatement(index, { name: index.id });
      const found = kept.get(index.id);
      if (found?.statement === statement) return found;
      if (found) {
        kept.delete(index.id);
        dropped.push(found);
      }
      await dropPending();
      const made = await make(index, statement);
      kept.set(index.id, made);
      for (const name of made.names) ids.set(key(...name), index.id);
      await dropPending();
      return made;
    },
  };
}

function key(schema: string, name: string): string {
  return `${schema}\0${name}`;
}

/** CREATE INDEX while the tables are pointed at an empty file: their own read as gigabytes of zeros. */
async function buildOnNothing(owner: pg.Client, tables: readonly IndexedTable[], statement: string): Promise<void> {
  const oids = tables.map(({ oid }) => oid);
  const { rows: files } = await owner.query<{ relation: number; file: number }>(
    `SELECT relation, file FROM ${helpers}.files($1)`,
    [oids],
  );
  await owner.query(`SELECT ${helpers}.divert($1)`, [oids]);
  await owner.query(statement);
  await owner.query(`SELECT ${helpers}.restore($1, $2)`, [
    files.map(({ relation }) => relation),
    files.map(({ file }) => file),
  ]);
}

interface Part {
  oid: number;
  schema: string;
  name: string;
  table: number;
  /** Path below the data directory; `null` for the index of a partitioned table. */
  file: string | null;
}

/** The index itself and those that it made on partitions. */
async function findParts(owner: pg.Client, index: HypotheticalIndex): Promise<Part[]> {
  const { rows } = await owner.query<Part>(
    `
    SELECT c.oid                                AS "oid",
           n.nspname                            AS "schema",
           c.relname                            AS "name",
           i.indrelid                           AS "table",
           CASE c.relkind WHEN 'i' THEN pg_relation_filepath(c.oid) END AS "file"
      FROM pg_class r
      JOIN pg_namespace rn ON rn.oid = r.relnamespace
     CROSS JOIN LATERAL (SELECT r.oid WHERE r.relkind = 'i'
                         UNION ALL
                         SELECT p.relid FROM pg_partition_tree(r.oid) p WHERE r.relkind = 'I') t (oid)
      JOIN pg_class c     ON c.oid = t.oid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_index i     ON i.indexrelid = c.oid
     WHERE rn.nspname = $1
       AND r.relname = $2
    `,
    [index.schema, index.id],
  );
  return rows;
}

/** Estimates how large each part would be, and says so in the catalog. */
async function measure(
  owner: pg.Client,
  index: HypotheticalIndex,
  tables: readonly IndexedTable[],
  parts: readonly Part[],
): Promise<(IndexSize | undefined)[]> {
  const sizes: (IndexSize | undefined)[] = [];
  for (const { oid, table, file } of parts) {
    const on = tables.find((each) => each.oid === table);
    sizes.push(file === null || !on ? undefined : await estimateSize(owner, index, oid, on));
  }
  const known = parts.flatMap((part, position) => {
    const size = sizes[position];
    return size ? [{ oid: part.oid, ...size }] : [];
  });
  await owner.query(`SELECT ${helpers}.measure($1, $2, $3)`, [
    known.map(({ oid }) => oid),
    known.map(({ pages }) => pages),
    known.map(({ rows }) => rows),
  ]);
  return sizes;
}
