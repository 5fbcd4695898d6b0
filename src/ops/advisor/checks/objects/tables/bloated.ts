import type { DatabaseConnection, ServerProfile } from '../../../../../engine/postgres/index.ts';
import { bytes, count, percent } from '../../../../words/index.ts';
import type { Check, Finding, Untold } from '../../../types.ts';
import { keyOf, quoted, spoken } from '../names.ts';
import type { ColumnStatistics } from '../sizes/column-statistics.ts';
import { heapPages } from '../sizes/heap-size.ts';
import { judgeBloat } from '../sizes/judge-bloat.ts';
import { fillFactorOf, type Waste, wasteEvidence, wasteOf, wasteText } from '../sizes/waste.ts';

/** When so large a share of the rows changed since they were counted, the count says nothing. */
const mostChanged = 0.2;

interface Heap {
  oid: number;
  schema: string;
  name: string;
  options: string[] | null;
  rows: number | null;
  pages: number;
  deadRows: number;
  /** Rows that changed since VACUUM or ANALYZE last counted. */
  changed: number;
}

export const bloatedTable: Check = {
  id: 'bloated-table',
  title: 'Bloated tables',
  documentation: `
    Speaks up when a table of 10 MB or more would be half as large, or less, if its rows were packed: what was deleted, or replaced by
    updates, left room that new rows do not fill.

    Without reading the table, its size when packed is computed from the number of its rows and the statistics of its columns:
    header, NULLs, alignment and fill factor as PostgreSQL lays rows out. The answer comes with its bounds: found when
    even the least favourable one says so, told to be uncertain when only the likely value does. On tables that were just filled the
    estimate is within 6 % of the truth in our tests. It is not known without ANALYZE, without the right to see the columns'
    statistics, or when a fifth of the rows changed since they were counted. Columns that were dropped or added later widen the
    bounds, because old rows may or may not hold them. What is kept apart in TOAST tables is not judged.

    Exact answers come from \`pgstattuple_approx()\` of the extension \`pgstattuple\`, for those that the estimate does not clear.

    Warning. VACUUM makes the room usable for new rows, and for most tables that is all they need. To give it back, the table
    has to be written anew: \`pg_repack\` does so while work goes on; VACUUM FULL locks everyone out until it is done. So this
    is advised, never applied.

    Source: \`pg_class\`, \`pg_stats\`; \`HeapTupleHeaderData\` of PostgreSQL.
  `,
  run: (context) =>
    judgeBloat<Heap>(context, {
      read: ({ connection }, fromPages) => readHeaps(connection, fromPages),
      relations: ({ oid }) => [oid],
      estimate: (table, statistics, { profile }) => estimateOf(table, statistics.get(table.oid) ?? [], profile),
      measure: (measure, { oid, options }) => measure.heap(oid, fillFactorOf(options, 100)),
      describe,
      fine: 'No large table is known to be bloated',
    }),
};

async function readHeaps(connection: DatabaseConnection, fromPages: number): Promise<Heap[]> {
  return connection.run<Heap>(
    `
    SELECT c.oid                                              AS "oid",
           n.nspname                                          AS "schema",
           c.relname                                          AS "name",
           c.reloptions                                       AS "options",
           nullif(c.reltuples, -1)                            AS "rows",
           c.relpages                                         AS "pages",
           pg_stat_get_dead_tuples(c.oid)                     AS "deadRows",
           least(pg_stat_get_mod_since_analyze(c.oid),
                 pg_stat_get_dead_tuples(c.oid) + pg_stat_get_ins_since_vacuum(c.oid)) AS "changed"
      FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_am m        ON m.oid = c.relam AND m.amname = 'heap'
     WHERE c.relkind IN ('r', 'm')
       AND c.relpersistence <> 't'
       AND c.relpages >= $1
       AND n.nspname NOT IN ('pg_catalog', 'information_schema')
     ORDER BY c.relpages DESC
     LIMIT 2000
    `,
    [fromPages],
  );
}

function estimateOf(table: Heap, columns: readonly ColumnStatistics[], profile: ServerProfile): Waste | Untold {
  const name = spoken(table);
  const analyze = `ANALYZE ${quoted(table)}`;
  if (table.rows === null) return { reason: `The rows of ${name} were never counted`, fix: analyze };
  if (table.changed > mostChanged * Math.max(table.rows, 1)) {
    return { reason: `${count(table.changed)} rows of ${name} changed since they were counted`, fix: analyze };
  }
  const unread = columns.find(({ averageWidth, dropped }) => averageWidth === null && !dropped);
  if (unread && table.rows > 0) {
    return unread.readable
      ? { reason: `Columns of ${name} have no statistics`, fix: analyze }
      : {
          reason: `This role may not see statistics of ${name}`,
          fix: `GRANT SELECT ON ${quoted(table)} TO ${profile.user}`,
        };
  }
  const fillFactor = fillFactorOf(table.options, 100);
  return wasteOf(
    heapPages(table.rows, columns, { blockSize: profile.blockSize, fillFactor }),
    table.pages,
    profile.blockSize,
  );
}

function describe(table: Heap, waste: Waste, blockSize: number): Finding {
  const size = table.pages * blockSize;
  const free = Math.round(size * waste.expected);
  const dead = table.deadRows / Math.max(1, table.deadRows + (table.rows ?? 0));
  return {
    check: bloatedTable.id,
    key: keyOf(bloatedTable.id, table),
    severity: 'warning',
    subject: { kind: 'table', schema: table.schema, name: table.name },
    title: `${wasteText(waste)} of the table ${spoken(table)} (${bytes(size)}) is empty`.replace(/^a/, 'A'),
    explanation:
      'Whatever reads the whole table reads the empty room too, and it takes memory. ' +
      (dead > 0.1
        ? `${percent(dead)} of its rows are dead: VACUUM makes their room usable again.`
        : 'New rows will use it, if as many come as went.'),
    evidence: [
      { label: 'Size', value: size, unit: 'bytes' },
      { label: 'Rows', value: table.rows, unit: 'rows' },
      { label: 'Dead rows', value: table.deadRows, unit: 'rows' },
      ...wasteEvidence(waste),
    ],
    gain: { bytes: free, text: `${bytes(free)} of disk and memory, if it is written anew` },
    remedy: {
      kind: 'manual',
      fix: [],
      undo: [],
      risk: 'high',
      riskDetail:
        'VACUUM makes the room usable for new rows without locking anyone out. To give it back, write the table anew with pg_repack, which ' +
        `works while others do but takes about ${bytes(size - free)} and its indexes once more. VACUUM FULL does the same under a lock that ` +
        'stops reads as well until it is done.',
      appliable: false,
      needsBytes: size - free,
    },
  };
}
