import type { DatabaseConnection } from '../../../../../engine/postgres/index.ts';
import { btreeBounds } from '../../../../sizes/index.ts';
import { bytes, count } from '../../../../words/index.ts';
import type { Check, CheckContext, Finding, Untold } from '../../../types.ts';
import { keyOf, quoted, spoken } from '../names.ts';
import type { ColumnStatistics } from '../sizes/column-statistics.ts';
import { exactly, judgeBloat } from '../sizes/judge-bloat.ts';
import { fillFactorOf, type Waste, wasteEvidence, wasteOf, wasteText } from '../sizes/waste.ts';

/** When so large a share of the table's rows changed since they were counted, the count says nothing. */
const mostChanged = 0.2;
/** PostgreSQL compresses values in an index from about here on; then the column's width is not the index's. */
const mostWidth = 400;

interface Btree {
  oid: number;
  tableOid: number;
  schema: string;
  table: string;
  name: string;
  unique: boolean;
  columns: number[];
  keyCount: number;
  options: string[] | null;
  deduplicates: boolean;
  rows: number | null;
  pages: number;
  /** Rows of the table that changed since VACUUM or ANALYZE last counted. */
  changed: number;
}

export const bloatedIndex: Check = {
  id: 'bloated-index',
  title: 'Bloated indexes',
  documentation: `
    Speaks up when a B-tree of 10 MB or more would be half as large, or less, if it were built anew, that is, when pages are largely
    empty because rows were deleted or updated. Inserts alone leave at most 44 % empty; that is not spoken of.

    Without reading the index, its size when new is computed from the number of its rows and from the statistics of its columns:
    how wide entries are with alignment and NULLs, and how many rows share an entry (deduplication), which depends on how many
    values are different. The answer comes with its bounds: it is found when even the least favourable bound says so,
    and told to be uncertain when only the likely value does. On freshly built indexes the estimate is within 8 % of the truth in
    our tests. It is not known without ANALYZE, without the right to see the columns' statistics, when a fifth of the rows
    changed since they were counted, and for values so wide that an index compresses them.

    Exact answers come from \`pgstatindex()\` of the extension \`pgstattuple\`, for those that the estimate does not clear. Other
    access methods than B-tree are not judged. Warning; the fix is REINDEX INDEX CONCURRENTLY, which takes the size of the new index
    while it runs.

    Source: \`pg_class\`, \`pg_stats\`; \`_bt_buildadd\` and deduplication as in PostgreSQL's \`nbtree\`.
  `,
  run: (context) =>
    judgeBloat<Btree>(context, {
      read: ({ connection }, fromPages) => readBtrees(connection, fromPages),
      relations: ({ oid, tableOid }) => [oid, tableOid],
      estimate: estimateOf,
      measure: (measure, { oid, options }) => measure.btree(oid, fillFactorOf(options, 90)),
      describe,
      fine: 'No large B-tree is known to be bloated',
    }),
};

/** B-trees from so many pages on. Several rows may share an entry where every operator class says that equal is the same (support function 4). */
async function readBtrees(connection: DatabaseConnection, fromPages: number): Promise<Btree[]> {
  return connection.run<Btree>(
    `
    SELECT c.oid                                              AS "oid",
           t.oid                                              AS "tableOid",
           n.nspname                                          AS "schema",
           t.relname                                          AS "table",
           c.relname                                          AS "name",
           i.indisunique                                      AS "unique",
           i.indkey::int2[]                                   AS "columns",
           i.indnkeyatts                                      AS "keyCount",
           c.reloptions                                       AS "options",
           NOT coalesce(c.reloptions @> '{deduplicate_items=off}', false)
             AND NOT EXISTS (
                   SELECT FROM unnest(i.indclass::oid[]) k (class)
                     JOIN pg_opclass o ON o.oid = k.class
                     LEFT JOIN pg_amproc p ON p.amprocfamily = o.opcfamily AND p.amprocnum = 4
                                          AND p.amproclefttype = o.opcintype AND p.amprocrighttype = o.opcintype
                    WHERE p.oid IS NULL)
             AND NOT EXISTS (
                   SELECT FROM unnest(i.indcollation::oid[]) k (used)
                     JOIN pg_collation l ON l.oid = k.used AND NOT l.collisdeterministic) AS "deduplicates",
           nullif(c.reltuples, -1)                            AS "rows",
           c.relpages                                         AS "pages",
           least(pg_stat_get_mod_since_analyze(t.oid),
                 pg_stat_get_dead_tuples(t.oid) + pg_stat_get_ins_since_vacuum(t.oid)) AS "changed"
      FROM pg_index i
      JOIN pg_class c     ON c.oid = i.indexrelid AND c.relkind = 'i'
      JOIN pg_class t     ON t.oid = i.indrelid
      JOIN pg_namespace n ON n.oid = t.relnamespace
      JOIN pg_am m        ON m.oid = c.relam AND m.amname = 'btree'
     WHERE i.indisvalid
       AND c.relpersistence <> 't'
       AND c.relpages >= $1
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
     ORDER BY c.relpages DESC
     LIMIT 2000
    `,
    [fromPages],
  );
}

function estimateOf(
  index: Btree,
  statistics: ReadonlyMap<number, ColumnStatistics[]>,
  { profile }: CheckContext,
): Waste | Untold {
  const name = spoken(index);
  if (index.rows === null) return { reason: `The rows of ${name} were never counted`, fix: analyze(index) };
  if (index.changed > mostChanged * Math.max(index.rows, 1)) {
    return { reason: `${count(index.changed)} rows changed since those of ${name} were counted`, fix: analyze(index) };
  }
  const ofTable = statistics.get(index.tableOid) ?? [];
  const ofIndex = statistics.get(index.oid) ?? [];
  const columns = index.columns.flatMap(
    (number, position) => (number === 0 ? ofIndex[position] : ofTable.find((column) => column.number === number)) ?? [],
  );
  const unread = columns.find(({ averageWidth }) => averageWidth === null);
  if (columns.length < index.columns.length || unread) {
    const hidden = unread?.readable === false;
    return {
      reason: hidden
        ? `This role may not see statistics of the columns of ${name}`
        : `Columns of ${name} have no statistics`,
      fix: hidden
        ? `GRANT SELECT ON ${quoted({ schema: index.schema, name: index.table })} TO ${profile.user}`
        : analyze(index),
    };
  }
  if (columns.some(({ averageWidth, length }) => length < 0 && (averageWidth ?? 0) > mostWidth)) {
    return { reason: `Values of ${name} are so wide that the index compresses them`, fix: exactly };
  }
  const needed = btreeBounds({
    rows: index.rows,
    keys: columns.slice(0, index.keyCount),
    included: columns.slice(index.keyCount),
    joins: index.deduplicates && !index.unique,
    blockSize: profile.blockSize,
    fillFactor: fillFactorOf(index.options, 90),
  });
  return wasteOf(needed, index.pages, profile.blockSize);
}

function analyze(index: Btree): string {
  return `ANALYZE ${quoted({ schema: index.schema, name: index.table })}`;
}

function describe(index: Btree, waste: Waste, blockSize: number): Finding {
  const size = index.pages * blockSize;
  const newSize = Math.ceil(size * (1 - waste.low));
  const free = Math.round(size * waste.expected);
  return {
    check: bloatedIndex.id,
    key: keyOf(bloatedIndex.id, index),
    severity: 'warning',
    subject: { kind: 'index', schema: index.schema, table: index.table, name: index.name },
    title: `${wasteText(waste)} of the index ${spoken(index)} (${bytes(size)}) is empty`.replace(/^a/, 'A'),
    explanation:
      'Reading it takes more pages, and more memory to keep them in, than its entries need. Pages that emptied are used again, but ' +
      'they are not given back.',
    evidence: [
      { label: 'Size', value: size, unit: 'bytes' },
      { label: 'Rows', value: index.rows, unit: 'rows' },
      ...wasteEvidence(waste),
    ],
    gain: { bytes: free, text: `${bytes(free)} of disk and memory` },
    remedy: {
      kind: 'reindex',
      fix: [`REINDEX INDEX CONCURRENTLY ${quoted(index)}`],
      undo: [],
      risk: 'low',
      riskDetail: `Reads the table twice and takes up to ${bytes(newSize)} while it runs. Reads and writes go on. When it fails, it leaves an invalid index behind, which is to be dropped.`,
      appliable: true,
      needsBytes: newSize,
    },
  };
}
