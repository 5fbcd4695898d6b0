import { readableIdentifier, readableName } from '../../sql/index.ts';
import type { HypotheticalIndex, IndexKey } from './types.ts';

export interface CreateIndexOptions {
  /** Name of the index, not quoted. */
  name: string;
  concurrently?: boolean;
}

/** CREATE INDEX for an index that is wished for, as a person would write it. */
export function createIndexStatement(index: HypotheticalIndex, { name, concurrently }: CreateIndexOptions): string {
  const include = index.include.map((column) => readableIdentifier(column)).join(', ');
  return [
    `CREATE INDEX ${concurrently ? 'CONCURRENTLY ' : ''}${readableIdentifier(name)}`,
    `ON ${readableName(index.schema, index.table)}`,
    `${index.method === 'btree' ? '' : `USING ${index.method} `}(${index.keys.map((key) => keySql(key)).join(', ')})`,
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
