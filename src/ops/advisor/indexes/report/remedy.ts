import { readableName } from '../../../../sql/index.ts';
import { createIndexStatement, type HypotheticalIndex, usualSizeError } from '../../../whatif/index.ts';
import type { Remedy } from '../../types.ts';
import type { TableModel } from '../model/types.ts';
import { indexName } from './names.ts';

/**
 * How an index is made without stopping writes. On a partitioned table CREATE INDEX CONCURRENTLY does not work: there the
 * index is made on the parent alone, then concurrently on each partition, and each is attached.
 */
export function createRemedy(
  index: HypotheticalIndex,
  name: string,
  table: TableModel,
  bytes: number,
  taken: Set<string>,
): Remedy {
  const drop = `DROP INDEX ${table.kind === 'partitioned' ? '' : 'CONCURRENTLY '}${readableName(index.schema, name)}`;
  const partitioned = table.kind === 'partitioned';
  return {
    kind: 'create-index',
    fix: partitioned
      ? partitionedFix(index, name, table, taken)
      : [createIndexStatement(index, { name, concurrently: true })],
    undo: [drop],
    risk: 'low',
    riskDetail: partitioned
      ? 'Each partition goes on being read and written while its index is made. Attaching and dropping lock the table for a moment.'
      : 'The table goes on being read and written meanwhile. It reads the table twice, and waits for transactions that are older; when it fails, it leaves an invalid index behind.',
    appliable: true,
    // The most that it may be: what is free is asked before it is made.
    needsBytes: Math.ceil(bytes * (1 + usualSizeError(index))),
  };
}

/** From the parent down: what has partitions itself gets an index of its own alone, the others theirs, and each is attached. */
function partitionedFix(index: HypotheticalIndex, name: string, table: TableModel, taken: Set<string>): string[] {
  const names = new Map([[table.oid, readableName(index.schema, name)]]);
  return [
    onlyParent(index, name),
    ...table.partitions.flatMap(({ oid, parent, schema, name: partition, partitioned }) => {
      const own = { ...index, schema, table: partition };
      const ownName = indexName(own, taken);
      names.set(oid, readableName(schema, ownName));
      return [
        partitioned ? onlyParent(own, ownName) : createIndexStatement(own, { name: ownName, concurrently: true }),
        `ALTER INDEX ${names.get(parent) ?? ''} ATTACH PARTITION ${readableName(schema, ownName)}`,
      ];
    }),
  ];
}

function onlyParent(index: HypotheticalIndex, name: string): string {
  const table = readableName(index.schema, index.table);
  return createIndexStatement(index, { name }).replace(` ON ${table} `, ` ON ONLY ${table} `);
}
