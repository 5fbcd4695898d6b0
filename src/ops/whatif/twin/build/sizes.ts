import type pg from 'pg';
import { frontPages } from '../files/front.ts';
import { btreeHeight } from '../files/height.ts';
import { extendSparsely } from '../files/sparse.ts';
import type { SourceCatalog } from '../source/catalog.ts';
import type { SourceIndex } from '../source/indexes.ts';
import { helpers } from './helpers.ts';
import type { RelationStatistics } from './statistics.ts';

/** What the planner reads of a relation's size: pages of now in the file system, pages and rows of the last ANALYZE. */
export function relationStatistics({ relations, indexes }: SourceCatalog): RelationStatistics[] {
  return [
    ...relations.flatMap(({ schema, name, kind, pages, rows, allVisible }) =>
      kind === 'r' || kind === 'm' || kind === 'p' ? [{ schema, name, pages, rows, allVisible }] : [],
    ),
    ...indexes.flatMap(({ schema, name, pages, rows }) => ({ schema, name, pages, rows, allVisible: 0 })),
  ];
}

const yieldEvery = 500;

/** Makes the files of tables and indexes as long as the source's, taking no room on the disk. */
export async function extendFiles(
  admin: pg.Client,
  dataDir: string,
  catalog: SourceCatalog,
  widths: ReadonlyMap<string, number>,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const { rows: files } = await admin.query<{ schema: string; name: string; file: string }>(`
    SELECT n.nspname                     AS "schema",
           c.relname                     AS "name",
           pg_relation_filepath(c.oid)   AS "file"
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'i')
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
  `);
  // What is still in memory goes to the files before they are changed.
  await admin.query(`SELECT ${helpers}.evict_all()`);
  const paths = new Map(files.map(({ schema, name, file }) => [`${schema}\0${name}`, file]));
  const tablePages = new Map<number, number>();
  const extend = (
    each: { oid: number; schema: string; name: string; pages: number },
    front?: ReturnType<typeof frontPages>,
  ): void => {
    const path = paths.get(`${each.schema}\0${each.name}`);
    if (path !== undefined) extendSparsely(dataDir, path, catalog.blocks.get(each.oid) ?? each.pages, front);
  };
  let done = 0;
  const total = catalog.relations.length + catalog.indexes.length;
  onProgress(0, total);
  const step = async (): Promise<void> => {
    done += 1;
    if (done % yieldEvery !== 0) return;
    onProgress(done, total);
    // Other work of this process goes on meanwhile.
    await new Promise((resolve) => setImmediate(resolve));
  };
  for (const relation of catalog.relations) {
    if (relation.kind === 'r' || relation.kind === 'm') {
      tablePages.set(relation.oid, catalog.blocks.get(relation.oid) ?? relation.pages);
      extend(relation);
    }
    await step();
  }
  for (const index of catalog.indexes) {
    if (!index.partitioned) {
      const pages = catalog.blocks.get(index.oid) ?? index.pages;
      const height = index.method === 'btree' ? btreeHeight(pages, keyWidth(index, catalog, widths)) : 0;
      extend(index, frontPages(index.method, { height, tablePages: tablePages.get(index.table) ?? 0 }));
    }
    await step();
  }
}

const unknownWidth = 16;

/** Bytes of an index's keys: what inner pages hold. */
function keyWidth(
  { table, columns, keyCount }: SourceIndex,
  catalog: SourceCatalog,
  widths: ReadonlyMap<string, number>,
): number {
  const byNumber = new Map((catalog.columns.get(table) ?? []).map((column) => [column.number, column]));
  return columns.slice(0, keyCount).reduce((bytes, number) => {
    const column = byNumber.get(number);
    if (!column) return bytes + unknownWidth;
    return (
      bytes + (column.typeLength > 0 ? column.typeLength : (widths.get(`${table}.${column.name}`) ?? unknownWidth))
    );
  }, 0);
}
