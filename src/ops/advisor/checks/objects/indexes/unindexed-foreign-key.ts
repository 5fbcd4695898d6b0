import { quoteIdentifier } from '../../../../../engine/postgres/index.ts';
import { bytes, count, counted } from '../../../../words/index.ts';
import type { Check, Finding, Remedy, Severity } from '../../../types.ts';
import { judged } from '../../answers.ts';
import { once } from '../../readings.ts';
import { thresholdsOf } from '../../thresholds.ts';
import { inTurns } from '../../turns.ts';
import { keyOf, quoted, spoken } from '../names.ts';
import { readIndexDetails } from './catalog.ts';
import { type ForeignKey, readForeignKeys, serves } from './foreign-keys.ts';
import { freshNames } from './fresh-names.ts';

/** Below this a table is read as quickly without an index. */
const leastRows = 1000;
/** From here on, with deletes on the other side, each of them reads for seconds. */
const gravestRows = 10_000_000;
/** Bytes of a B-tree per row of a small key: 16 of tuple and 4 of pointer, at 90 % of a page. */
const bytesPerRow = 23;
/** More partitions than this are for a person to do by and by. */
const mostPartitions = 100;

type NameGiver = Awaited<ReturnType<typeof freshNames>>;

/** A declared foreign key and those of its tables and partitions that lack an index. */
interface Unserved {
  key: ForeignKey;
  leaves: readonly ForeignKey[];
  lacking: readonly ForeignKey[];
}

export const unindexedForeignKey: Check = {
  id: 'unindexed-foreign-key',
  title: 'Foreign keys without an index',
  documentation: `
    Speaks up when no index begins with the referencing columns of a foreign key, in whichever order: then every delete in the
    referenced table, and every update of its key, reads the whole referencing table, under a lock on the deleted row. An index
    counts when it is valid, a B-tree (or hash, for a single column), has the columns' collation, and holds all rows or all
    but those whose referencing columns are NULL.

    Info for tables with 1,000 rows or more, warning from 10,000, critical from 10 million when rows of the referenced table were
    deleted. The fix builds the index concurrently; of a partitioned table, on one partition after the other.

    Source: \`pg_constraint\`, \`pg_index\`, \`pg_stat_user_tables\`.
  `,
  async run(context) {
    const keys = await once(context, readForeignKeys);
    const indexes = Map.groupBy(await once(context, readIndexDetails), ({ tableOid }) => tableOid);
    const declared = Map.groupBy(keys, ({ rootOid }) => rootOid);
    const lacked = await inTurns(declared.values(), (leaves): Unserved[] => {
      const lacking = leaves.filter((leaf) => !indexes.get(leaf.tableOid)?.some((index) => serves(index, leaf)));
      const [key] = lacking;
      return key ? [{ key, leaves, lacking }] : [];
    });
    const unserved = lacked.toSorted((a, b) => rowsOf(b) - rowsOf(a));
    const worth = unserved.filter((each) => rowsOf(each) >= leastRows);
    const nameFor = worth.length > 0 ? await freshNames(context.connection) : () => '';
    const remedies = remediesFor(worth, nameFor);
    const small = unserved.length - worth.length;
    return judged({
      findings: worth.map((each) => describe(each, remedies.get(each) ?? null, thresholdsOf(context).smallTableRows)),
      fine:
        small === 0
          ? 'Every foreign key has an index'
          : `Every foreign key has an index, but for ${counted(small, 'small table')}`,
      evidence: [{ label: 'Foreign keys', value: declared.size }],
    });
  },
};

function rowsOf({ lacking }: Unserved): number {
  return lacking.reduce((sum, { rows }) => sum + rows, 0);
}

function describe(unserved: Unserved, remedy: Remedy | null, smallTableRows: number): Finding {
  const { key, lacking, leaves } = unserved;
  const rows = rowsOf(unserved);
  const child = spoken({ schema: key.schema, name: key.table });
  const parent = spoken({ schema: key.parentSchema, name: key.parentTable });
  const severity: Severity =
    rows >= gravestRows && key.parentDeletes > 0 ? 'critical' : rows >= smallTableRows ? 'warning' : 'info';
  return {
    check: unindexedForeignKey.id,
    key: keyOf(unindexedForeignKey.id, { schema: key.schema, name: key.table }, key.name),
    severity,
    subject: { kind: 'table', schema: key.schema, name: key.table },
    title: `The foreign key ${key.name} of ${child} (${key.columnNames.join(', ')}) has no index`,
    explanation:
      `To delete a row of ${parent}, or to change its key, PostgreSQL looks for rows that reference it, and has to read ` +
      `${count(rows)} rows for that each time. Joins from ${parent} to ${child} lack the index as well.` +
      (lacking.length < leaves.length ? ` ${lacking.length} of ${leaves.length} partitions lack it.` : ''),
    evidence: [
      { label: 'Rows', value: Math.round(rows), unit: 'rows' },
      { label: 'Size', value: lacking.reduce((sum, leaf) => sum + leaf.bytes, 0), unit: 'bytes' },
      { label: `Deletes in ${key.parentTable}`, value: key.parentDeletes },
      { label: `Updates in ${key.parentTable}`, value: key.parentUpdates },
    ],
    gain: { text: `Deletes in ${parent} find their ${child} by index` },
    remedy,
  };
}

/** One index for all keys that it serves: those whose columns are the first of another's get that one's. */
function remediesFor(all: readonly Unserved[], nameFor: NameGiver): ReadonlyMap<Unserved, Remedy> {
  const remedies = new Map<Unserved, Remedy>();
  for (const ofTable of Map.groupBy(all, ({ key }) => `${key.schema}.${key.table}`).values()) {
    const done: Unserved[] = [];
    for (const each of ofTable.toSorted((a, b) => b.key.columnNames.length - a.key.columnNames.length)) {
      const wider = done.find(({ key, lacking }) => {
        const first = key.columnNames.slice(0, each.key.columnNames.length);
        return lacking.length === each.lacking.length && each.key.columnNames.every((name) => first.includes(name));
      });
      remedies.set(each, (wider && remedies.get(wider)) ?? remedyFor(each, nameFor));
      done.push(each);
    }
  }
  return remedies;
}

function remedyFor(unserved: Unserved, nameFor: NameGiver): Remedy {
  const { key, leaves, lacking } = unserved;
  const needsBytes = Math.ceil(rowsOf(unserved) * bytesPerRow);
  const columns = `(${key.columnNames.map(quoteIdentifier).join(', ')})`;
  const size = `about ${bytes(needsBytes)} at most`;
  const table = quoted({ schema: key.schema, name: key.table });
  const common = { kind: 'create-index', risk: 'low', needsBytes, appliable: true } as const;
  const wholeName = { schema: key.schema, name: nameFor(key.schema, key.table, key.columnNames) };
  if (lacking.length > mostPartitions) {
    return {
      ...common,
      fix: [`CREATE INDEX ${quoteIdentifier(wholeName.name)} ON ${table} ${columns}`],
      undo: [`DROP INDEX ${quoted(wholeName)}`],
      risk: 'high',
      riskDetail: `Takes ${size}, and stops writes to the partitioned table until all of its partitions have their index.`,
      appliable: false,
    };
  }
  const own = lacking.map((leaf) => {
    const plain = leaf.depth === 0;
    const name = plain ? wholeName.name : nameFor(leaf.leafSchema, leaf.leafTable, leaf.columnNames);
    const of = quoted({ schema: leaf.leafSchema, name: leaf.leafTable });
    return {
      create: `CREATE INDEX CONCURRENTLY ${quoteIdentifier(name)} ON ${of} ${columns}`,
      index: quoted({ schema: leaf.leafSchema, name }),
    };
  });
  // An index of the partitioned table as a whole, so that new partitions get theirs: where all lack it, one level down.
  if (lacking.length === leaves.length && leaves.every(({ depth }) => depth === 1)) {
    return {
      ...common,
      fix: [
        `CREATE INDEX ${quoteIdentifier(wholeName.name)} ON ONLY ${table} ${columns}`,
        ...own.flatMap(({ create, index }) => [create, `ALTER INDEX ${quoted(wholeName)} ATTACH PARTITION ${index}`]),
      ],
      undo: [`DROP INDEX ${quoted(wholeName)}`],
      riskDetail: `Reads each partition twice and takes ${size}. Writes go on while an index is built; attaching it locks the index alone.`,
    };
  }
  return {
    ...common,
    fix: own.map(({ create }) => create),
    undo: own.map(({ index }) => `DROP INDEX CONCURRENTLY ${index}`),
    riskDetail: `Reads the table twice and takes ${size}. Writes go on; every insert keeps one index more up to date.`,
  };
}
