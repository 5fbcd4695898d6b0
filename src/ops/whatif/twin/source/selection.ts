import type { SourceCatalog } from './catalog.ts';

/**
 * The catalog with only the named tables, with what they are partitions or heirs of and what are theirs; and views, which fall away
 * where a table of theirs is missing.
 */
export function selectTables(
  catalog: SourceCatalog,
  tables: readonly { schema: string; name: string }[] | undefined,
): SourceCatalog {
  if (tables === undefined) return catalog;
  const wanted = new Set(tables.map(({ schema, name }) => `${schema}\0${name}`));
  const kept = new Set(
    catalog.relations.filter(({ schema, name }) => wanted.has(`${schema}\0${name}`)).map(({ oid }) => oid),
  );
  for (let before = -1; before !== kept.size;) {
    before = kept.size;
    for (const { child, parent } of catalog.inheritance) {
      if (kept.has(child)) kept.add(parent);
      else if (kept.has(parent)) kept.add(child);
    }
  }
  return {
    ...catalog,
    selected: true,
    relations: catalog.relations.filter(({ oid, kind }) => kind === 'S' || kind === 'v' || kept.has(oid)),
    indexes: catalog.indexes.filter(({ table }) => kept.has(table)),
    constraints: new Map(
      [...catalog.constraints].map(([oid, all]) => [
        oid,
        all.filter(({ references }) => references === null || kept.has(references)),
      ]),
    ),
    statisticsObjects: catalog.statisticsObjects.filter(({ table }) => kept.has(table)),
  };
}
