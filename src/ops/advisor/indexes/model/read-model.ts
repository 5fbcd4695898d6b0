import { type DatabaseConnection, type ServerProfile, textList } from '../../../../engine/postgres/index.ts';
import { describe } from '../../../../sql/index.ts';
import type { WorkloadStatement } from '../../workload/types.ts';
import { readExistingIndexes, readForeignKeys, readOperatorClasses } from './read-indexes.ts';
import {
  type ColumnRow,
  readColumns,
  readDefinitions,
  readPartitions,
  readRelationsById,
  readRelationsNamed,
  type RelationRow,
} from './read-tables.ts';
import type { ColumnModel, DatabaseModel, TableModel } from './types.ts';

/** Views within views are followed so far. */
const mostRounds = 8;

/**
 * Reads what the catalog knows of the tables that a workload names, of those behind its views, and of those that refer to them.
 * Locks nothing but what reading the catalog takes.
 * @param more names of tables that no statement may name.
 */
export async function readModel(
  connection: DatabaseConnection,
  profile: ServerProfile,
  statements: readonly WorkloadStatement[],
  more: readonly string[] = [],
): Promise<DatabaseModel> {
  const relations = new Map<number, RelationRow>();
  const definitions = new Map<number, string>();
  let names = [...namesIn(statements.map(({ text }) => text)), ...more];
  for (let round = 0; round < mostRounds && names.length > 0; round++) {
    const found = (await readRelationsNamed(connection, textList(names))).filter(({ oid }) => !relations.has(oid));
    for (const relation of found) relations.set(relation.oid, relation);
    const views = found.filter(({ kind }) => kind === 'view' || kind === 'materialized view').map(({ oid }) => oid);
    const texts = views.length > 0 ? await readDefinitions(connection, numberList(views)) : [];
    for (const { oid, definition } of texts) if (definition !== null) definitions.set(oid, definition);
    names = namesIn(texts.flatMap(({ definition }) => definition ?? []));
  }
  const foreignKeys = await readForeignKeys(connection, numberList([...relations.keys()]));
  const children = foreignKeys.map(({ child }) => child).filter((oid) => !relations.has(oid));
  if (children.length > 0) {
    for (const row of await readRelationsById(connection, numberList(children))) relations.set(row.oid, row);
  }
  const tables = await readTables(connection, profile, relations, definitions);
  const [session] = await connection.run<{ searchPath: string; since: Date | null }>(
    `
    SELECT (SELECT reset_val FROM pg_settings WHERE name = 'search_path') AS "searchPath",
           pg_stat_get_db_stat_reset_time(d.oid)                          AS "since"
      FROM pg_database d
     WHERE d.datname = current_database()
    `,
  );
  const schemas = [...new Set([...tables.values()].map(({ schema }) => schema))];
  return {
    tables,
    foreignKeys,
    operatorClasses: await readOperatorClasses(connection),
    countedSince: session?.since ?? null,
    takenNames: await readTakenNames(connection, schemas),
    blockSize: profile.blockSize,
    searchPath: schemasOf(session?.searchPath ?? '"$user", public', connection.user),
    gaps: gapsOf(tables, connection.user),
  };
}

function namesIn(texts: readonly string[]): string[] {
  const names = texts.flatMap((text) => {
    const { read, written } = describe(text);
    return [...read, ...written].map(({ name }) => name);
  });
  return [...new Set(names)];
}

/** The schemas of a search_path setting. */
export function schemasOf(setting: string, user: string): string[] {
  return [...setting.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)].map(([, quoted, plain]) => {
    const name = quoted?.replaceAll('""', '"') ?? plain ?? '';
    return name === '$user' ? user : name;
  });
}

function numberList(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`;
}

async function readTables(
  connection: DatabaseConnection,
  profile: ServerProfile,
  relations: ReadonlyMap<number, RelationRow>,
  definitions: ReadonlyMap<number, string>,
): Promise<Map<number, TableModel>> {
  const oids = numberList([...relations.keys()]);
  const columns = Map.groupBy(await readColumns(connection, oids), ({ table }) => table);
  const indexes = await readExistingIndexes(connection, oids, profile.blockSize);
  const partitioned = [...relations.values()].filter(({ kind }) => kind === 'partitioned').map(({ oid }) => oid);
  const partitions = Map.groupBy(
    partitioned.length > 0 ? await readPartitions(connection, numberList(partitioned)) : [],
    ({ root }) => root,
  );
  return new Map(
    [...relations.values()].map((row) => {
      const parts = partitions.get(row.oid) ?? [];
      const holders = row.kind === 'partitioned' ? parts.filter(({ partitioned: inner }) => !inner) : [row];
      const sum = (value: (holder: (typeof holders)[number]) => number): number =>
        holders.reduce((total, holder) => total + value(holder), 0);
      const rows = sum((each) => each.rows);
      const table: TableModel = {
        oid: row.oid,
        schema: row.schema,
        name: row.name,
        kind: row.kind,
        persistence: row.persistence,
        isPartition: row.isPartition,
        partitions: parts.map(({ oid, parent, schema, name, partitioned: inner, foreign }) => ({
          oid,
          parent,
          schema,
          name,
          partitioned: inner,
          foreign,
        })),
        rows,
        pages: sum((each) => each.pages),
        columns: (columns.get(row.oid) ?? []).map((column) => columnOf(column, rows)),
        indexes: indexes.get(row.oid) ?? [],
        writes: {
          inserts: sum((each) => each.inserts),
          updates: sum((each) => each.updates),
          deletes: sum((each) => each.deletes),
          hotUpdates: sum((each) => each.hotUpdates),
        },
        definition: definitions.get(row.oid),
      };
      return [row.oid, Object.freeze(table)];
    }),
  );
}

function columnOf(row: ColumnRow, rows: number): ColumnModel {
  const { name, number, type, baseType, category, orderable, bytewise, notNull, distinct } = row;
  const statistics =
    distinct === null
      ? null
      : {
          // Negative: as a share of the rows.
          distinct: distinct < 0 ? -distinct * rows : distinct,
          correlation: row.correlation,
          nulls: row.nulls ?? 0,
          width: row.width ?? 8,
          common: new Map((row.common ?? []).map((value, at) => [value, row.shares?.[at] ?? 0])),
        };
  return Object.freeze({ name, number, type, baseType, category, orderable, bytewise, notNull, statistics });
}

async function readTakenNames(connection: DatabaseConnection, schemas: readonly string[]): Promise<Set<string>> {
  const rows = await connection.run<{ schema: string; name: string }>(
    `
    SELECT n.nspname AS "schema", c.relname AS "name"
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = ANY ($1::text[])
    `,
    [textList(schemas)],
  );
  return new Set(rows.map(({ schema, name }) => JSON.stringify([schema, name])));
}

/** Tables with rows of which no statistics can be read. */
function gapsOf(tables: ReadonlyMap<number, TableModel>, user: string): DatabaseModel['gaps'] {
  return [...tables.values()]
    .filter(({ kind, rows, pages }) => kind !== 'view' && kind !== 'foreign' && (rows > 0 || pages > 0))
    .filter(({ columns }) => columns.length > 0 && columns.every(({ statistics }) => statistics === null))
    .map(({ schema, name }) => ({
      subject: `statistics of ${schema}.${name}`,
      reason: 'there are none, or the role may not read them',
      fix: `ANALYZE the table; GRANT pg_read_all_data TO ${user} (statistics are shown to who may SELECT)`,
    }));
}
