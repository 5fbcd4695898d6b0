import { quoteIdentifier } from '../../engine/postgres/index.ts';
import type { HypotheticalIndex, IndexKey } from './types.ts';

export interface CreateIndexOptions {
  /** Name of the index, not quoted. */
  name: string;
  concurrently?: boolean;
}

/** CREATE INDEX for an index that is wished for. */
export function createIndexStatement(index: HypotheticalIndex, { name, concurrently }: CreateIndexOptions): string {
  const include = index.include.map((column) => quoteIdentifier(column)).join(', ');
  return [
    `CREATE INDEX ${concurrently ? 'CONCURRENTLY ' : ''}${quoteIdentifier(name)}`,
    `ON ${quoteIdentifier(index.schema)}.${quoteIdentifier(index.table)}`,
    `USING ${index.method} (${index.keys.map((key) => keySql(key)).join(', ')})`,
    ...(include === '' ? [] : [`INCLUDE (${include})`]),
    ...(index.where === undefined ? [] : [`WHERE ${index.where}`]),
  ].join(' ');
}

function keySql({ expression, collation, operatorClass, descending, nulls }: IndexKey): string {
  return [
    expression,
    ...(collation === undefined ? [] : [`COLLATE ${collation}`]),
    ...(operatorClass === undefined ? [] : [operatorClass]),
    ...(descending ? ['DESC'] : []),
    ...(nulls === undefined ? [] : [`NULLS ${nulls.toUpperCase()}`]),
  ].join(' ');
}
