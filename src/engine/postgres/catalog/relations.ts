import type { DatabaseConnection } from '../connection.ts';
import type { ServerProfile } from '../profile.ts';
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

/** Tables and indexes, each read once; what a table needs of its indexes is summed up here rather than in the server. */
export async function readRelations(
  connection: DatabaseConnection,
  profile: ServerProfile,
): Promise<Reading<TableWithIndexes>> {
  const tables = await readTables(connection, profile);
  const indexes = await readIndexes(connection, profile);
  const byTable = Map.groupBy(indexes.rows, (index) => index.tableOid);
  return {
    rows: tables.rows.map((table) => {
      const own = byTable.get(table.oid) ?? [];
      const sum = (value: (index: IndexRow) => number) => own.reduce((total, index) => total + value(index), 0);
      return {
        ...table,
        indexBytes: sum((index) => index.bytes),
        indexScans: sum((index) => index.scans),
        indexRowsFetched: sum((index) => index.rowsFetched) + table.rowsFetched,
        indexRead: sum((index) => index.blocksRead),
        indexHit: sum((index) => index.blocksHit),
        indexes: own,
      };
    }),
    skipped: [...tables.skipped, ...indexes.skipped],
  };
}
