import { setImmediate as othersTurn } from 'node:timers/promises';
import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../server-profile.ts';
import { type IndexRow, readIndexes } from './indexes.ts';
import type { Reading } from './reading.ts';
import { readTables, type TableRow } from './tables.ts';

/** A table with the sums over its indexes. */
export interface TableWithIndexes extends TableRow {
  indexBytes: number;
  indexScans: number;
  indexRowsFetched: number;
  indexRead: number;
  indexHit: number;
  indexes: IndexRow[];
}

/** What was last read over a connection, by oid. */
interface Memory {
  tables: Map<number, TableRow>;
  indexes: Map<number, IndexRow>;
  /** Readings since everything was sent. */
  partial: number;
}

const memories = new WeakMap<DatabaseConnection, Memory>();

/** Every so many readings everything is sent, for what changes unseen: ages, and the TOAST of tables at rest. */
const fullEvery = 10;

/**
 * Tables and indexes, each read once; what a table needs of its indexes is summed up here rather than in the server. Over
 * one connection only those that changed since the last reading are sent, because sending takes most of the time; the
 * others come as they were. Ages of tables at rest may therefore be a few readings old.
 */
export async function readRelations(
  connection: DatabaseConnection,
  profile: ServerProfile,
): Promise<Reading<TableWithIndexes>> {
  const memory = memories.get(connection);
  const known = memory && memory.partial < fullEvery - 1 ? memory : undefined;
  const tables = await readTables(connection, profile, changesOf(known?.tables));
  const indexes = await readIndexes(connection, profile, changesOf(known?.indexes));
  const existing = known ? await readExisting(connection) : undefined;
  const next: Memory = {
    tables: merge(known?.tables, tables.rows, existing),
    indexes: merge(known?.indexes, indexes.rows, existing),
    partial: known ? known.partial + 1 : 0,
  };
  memories.set(connection, next);
  // Of tens of thousands each of these steps takes a while, and others wait.
  await othersTurn();
  const byTable = Map.groupBy(next.indexes.values(), (index) => index.tableOid);
  await othersTurn();
  return {
    rows: [...next.tables.values()].map((table) => withIndexes(table, byTable.get(table.oid) ?? [])),
    skipped: [...tables.skipped, ...indexes.skipped],
  };
}

function withIndexes(table: TableRow, read: IndexRow[]): TableWithIndexes {
  // An index does not change by a new name of its table or schema.
  const indexes = read.map((index) => ({ ...index, schema: table.schema, table: table.name }));
  const sum = (value: (index: IndexRow) => number) => indexes.reduce((total, index) => total + value(index), 0);
  return {
    ...table,
    indexBytes: sum((index) => index.bytes),
    indexScans: sum((index) => index.scans),
    indexRowsFetched: sum((index) => index.rowsFetched) + table.rowsFetched,
    indexRead: sum((index) => index.blocksRead),
    indexHit: sum((index) => index.blocksHit),
    indexes,
  };
}

function changesOf(rows: Map<number, { change: string }> | undefined): string[] {
  return rows ? Array.from(rows.values(), (row) => row.change) : [];
}

function merge<Row extends { oid: number }>(
  before: Map<number, Row> | undefined,
  changed: Row[],
  existing: ReadonlySet<number> | undefined,
): Map<number, Row> {
  const kept = [...(before?.values() ?? [])].filter((row) => existing?.has(row.oid));
  return new Map([...kept, ...changed].map((row) => [row.oid, row]));
}

async function readExisting(connection: DatabaseConnection): Promise<Set<number>> {
  const [row] = await connection.run<{ oids: string | null }>(
    `
    SELECT string_agg(oid::text, ',') AS "oids"
      FROM pg_class
     WHERE relkind IN ('r', 'm', 'p', 'i', 'I')
    `,
  );
  return new Set(row?.oids?.split(',').map(Number));
}
