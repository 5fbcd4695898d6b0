import { quoteIdentifier } from '../../../../engine/postgres/index.ts';
import type { Gaps } from '../gaps.ts';
import type { SourceCatalog } from '../source/catalog.ts';
import type { SourceRelation } from '../source/relations.ts';
import { type Definition, makeAll } from './definitions.ts';
import type { TwinServer } from './server.ts';
import {
  foreignKeyDefinition,
  indexDefinition,
  inheritanceDefinition,
  plainName,
  qualified,
  tableDefinition,
  viewDefinition,
} from './tables.ts';

/** Makes the source's schema on the twin; what cannot be made becomes a gap. */
export async function makeSchema(
  { admin, owner }: TwinServer,
  catalog: SourceCatalog,
  gaps: Gaps,
  onProgress: (stage: 'schema' | 'indexes', done: number, total: number) => void,
): Promise<void> {
  // Of a selection of tables, views on others are not missed, nor functions.
  const missed = ({ subject }: Definition): boolean => !(catalog.selected && /^(view|function) /.test(subject));
  const run = async (stage: 'schema' | 'indexes', definitions: readonly Definition[]): Promise<void> => {
    let done = 0;
    onProgress(stage, 0, definitions.length);
    const failures = await makeAll(owner, definitions, (count) =>
      onProgress(stage, (done += count), definitions.length),
    );
    for (const { definition, reason } of failures) if (missed(definition)) gaps.add(definition.subject, reason);
  };
  await run('schema', catalog.schemas.map(schemaDefinition));
  for (const { name, schema } of catalog.extensions) {
    const sql = `CREATE EXTENSION IF NOT EXISTS ${quoteIdentifier(name)} SCHEMA ${quoteIdentifier(schema)} CASCADE`;
    for (const { reason } of await makeAll(admin, [{ subject: name, sql }])) {
      gaps.add(`extension ${name}`, `the twin cannot have it: ${reason}`);
    }
  }
  await run('schema', objects(catalog));
  const leakproof = catalog.routines.flatMap(({ subject, leakproof: sql }) => (sql === null ? [] : [{ subject, sql }]));
  for (const { definition, reason } of await makeAll(admin, leakproof)) {
    if (missed(definition)) gaps.add(definition.subject, `the twin does not take it for LEAKPROOF: ${reason}`);
  }
  await run('indexes', belongings(catalog));
  for (const { subject, reason } of catalog.uncarried) gaps.add(subject, reason);
  for (const { subject, language, carried } of catalog.routines) {
    if (!carried)
      gaps.add(subject, `it is written in ${language}: the twin knows its signature and cost, but cannot run it`);
  }
}

function schemaDefinition(name: string): Definition {
  return { subject: `schema ${name}`, sql: `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(name)}` };
}

/** Types, sequences, functions, tables and views: they may need each other in any order. */
function objects({ types, routines, aggregates, relations, columns, constraints, views }: SourceCatalog): Definition[] {
  return [
    ...types,
    ...relations.flatMap((relation) =>
      relation.kind === 'S' && !relation.ofIdentity
        ? [{ subject: `sequence ${plainName(relation)}`, sql: `CREATE SEQUENCE ${qualified(relation)}` }]
        : [],
    ),
    ...routines.map(({ subject, sql }) => ({ subject, sql })),
    ...aggregates,
    ...relations.flatMap((relation) =>
      isTable(relation) && columns.has(relation.oid)
        ? [tableDefinition(relation, columns.get(relation.oid) ?? [], constraints.get(relation.oid) ?? [])]
        : [],
    ),
    ...relations.flatMap((relation) => {
      const query = views.get(relation.oid);
      return query === undefined ? [] : [viewDefinition(relation, columns.get(relation.oid) ?? [], query)];
    }),
  ];
}

/** What joins tables and belongs to them; indexes of partitions before those of what they are partitions of. */
function belongings({ relations, constraints, inheritance, indexes }: SourceCatalog): Definition[] {
  const byOid = new Map(relations.map((relation) => [relation.oid, relation]));
  const plain = indexes.filter(({ ofConstraint }) => !ofConstraint);
  return [
    ...plain.filter(({ partitioned }) => !partitioned).map(indexDefinition),
    ...inheritance.flatMap((link) => {
      const [child, parent] = [byOid.get(link.child), byOid.get(link.parent)];
      return child && parent ? [inheritanceDefinition(child, parent, link)] : [];
    }),
    ...plain.filter(({ partitioned, hasParent }) => partitioned && !hasParent).map(indexDefinition),
    ...relations.flatMap((relation) =>
      (constraints.get(relation.oid) ?? [])
        .filter(({ kind }) => kind === 'f')
        .map((constraint) => foreignKeyDefinition(relation, constraint)),
    ),
  ];
}

export function isTable({ kind }: SourceRelation): boolean {
  return kind === 'r' || kind === 'p' || kind === 'm';
}
