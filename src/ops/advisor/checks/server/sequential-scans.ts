import { readTables, type TableRow } from '../../../../engine/postgres/index.ts';
import { readableName } from '../../../../sql/index.ts';
import { bytes, count, counted, percent } from '../../../words/index.ts';
import type { Check, CheckContext, Finding } from '../../types.ts';
import { once } from '../readings.ts';
import { answer, notReadable, unknown } from './answers.ts';
import { type KnownTime, knownTime, moment } from './known-time.ts';
import { readStatementCosts, type StatementCost, untoldStatements } from './statement-costs.ts';

export interface SequentialScanLimits {
  /** Tables below are read whole quickly enough. */
  leastBytes: number;
  leastRows: number;
  /** Times that a table was read whole: in all, and per hour. A nightly dump reads every table once a day. */
  leastReads: number;
  leastReadsPerHour: number;
  /** Counters of a shorter time say nothing of what is usual. */
  leastHours: number;
}

const defaults: SequentialScanLimits = {
  leastBytes: 8 * 1024 ** 2,
  leastRows: 10_000,
  leastReads: 20,
  leastReadsPerHour: 2,
  leastHours: 1,
};

interface WholeReads {
  table: TableRow;
  rows: number;
  /** Rows read by sequential scans, in whole tables. */
  reads: number;
  readsPerHour: number;
  bytesPerHour: number;
}

/** Large tables that are read from end to end often. */
export function sequentialScansCheck(limits: SequentialScanLimits = defaults): Check {
  return {
    id: 'sequential-scans',
    title: 'Sequential scans of large tables',
    documentation:
      `Tables of at least ${bytes(limits.leastBytes)} and ${count(limits.leastRows)} rows that were read whole at least ` +
      `${limits.leastReads} times and ${limits.leastReadsPerHour} times an hour since counting began ` +
      `(\`seq_tup_read\` ÷ rows of the table, so that a scan that stops early counts as the part that it read). A warning from 1 GB ` +
      'an hour, or when the table makes up a quarter of all rows that the database reads. Cannot tell before an hour was counted, or ' +
      'with `track_counts` off. Source: `pg_stat_user_tables` (PostgreSQL documentation, chapter "The Cumulative Statistics System").',
    run: (context) => run(context, limits),
  };
}

async function run(context: CheckContext, limits: SequentialScanLimits) {
  const { profile } = context;
  if (!profile.trackCounts) {
    return unknown('track_counts is off, so scans are not counted', 'ALTER SYSTEM SET track_counts = on');
  }
  const known = await knownTime(context);
  const { rows: tables, skipped } = await once(context, readTables);
  if (known === undefined || skipped.length > 0) return notReadable(skipped, 'The counters of tables');
  const large = tables.filter(
    (table) =>
      table.kind !== 'partitioned' && table.heapBytes >= limits.leastBytes && rowsOf(table) >= limits.leastRows,
  );
  if (large.length === 0) return answer([], `No table is large (${bytes(limits.leastBytes)} or more)`);
  if (known.hours < limits.leastHours) {
    return unknown(`Scans are counted only since ${moment(known.since)}: too short a time to say what is usual`);
  }
  const often = large
    .map((table) => wholeReads(table, known))
    .filter(({ reads, readsPerHour }) => reads >= limits.leastReads && readsPerHour >= limits.leastReadsPerHour)
    .toSorted((a, b) => b.bytesPerHour - a.bytesPerHour);
  const all = tables.reduce((sum, table) => sum + table.seqRowsRead + table.rowsFetched, 0);
  const statements = often.length > 0 ? await readStatementCosts(context) : { costs: [], skipped: [] };
  return answer(
    often.map((found) => finding(found, known, all, readersOf(found.table, statements.costs, profile.blockSize))),
    `${counted(large.length, 'large table')}, none is read whole often`,
    { untold: untoldStatements(statements.skipped, 'which statements read them') },
  );
}

function rowsOf({ estimatedRows, liveRows }: TableRow): number {
  return estimatedRows ?? liveRows;
}

function wholeReads(table: TableRow, { hours }: KnownTime): WholeReads {
  const rows = rowsOf(table);
  const reads = table.seqRowsRead / Math.max(1, rows);
  const readsPerHour = reads / hours;
  return { table, rows, reads, readsPerHour, bytesPerHour: readsPerHour * table.heapBytes };
}

/** The costliest statements that name the table and touch enough blocks to have read most of it. */
function readersOf(table: TableRow, costs: readonly StatementCost[], blockSize: number): StatementCost[] {
  return costs
    .filter(({ tables }) =>
      tables.some(({ schema, name }) => name === table.name && (schema ?? table.schema) === table.schema),
    )
    .filter(({ blocks, calls }) => blocks / calls >= table.heapBytes / blockSize / 2)
    .slice(0, 3);
}

function finding(
  { table, rows, reads, readsPerHour, bytesPerHour }: WholeReads,
  known: KnownTime,
  rowsOfAll: number,
  readers: readonly StatementCost[],
): Finding {
  const name = readableName(table.schema, table.name);
  const share = rowsOfAll === 0 ? 0 : table.seqRowsRead / rowsOfAll;
  return {
    check: 'sequential-scans',
    key: `sequential-scans:${name}`,
    severity: bytesPerHour >= 1024 ** 3 || share >= 0.25 ? 'warning' : 'info',
    subject: { kind: 'table', schema: table.schema, name: table.name },
    title: `${name} (${count(rows)} rows, ${bytes(table.heapBytes)}) is read whole ${count(readsPerHour)} times an hour`,
    explanation:
      'A sequential scan reads every row to find those that are wanted. When few are wanted, an index finds them without reading ' +
      'the rest; when all are (a report), a summary kept up to date spares reading them again and again.',
    evidence: [
      { label: 'Counted since', value: moment(known.since) },
      { label: 'Times read whole', value: Math.round(reads) },
      { label: 'Sequential scans', value: table.seqScans },
      { label: 'Read per hour', value: Math.round(bytesPerHour), unit: 'bytes' },
      { label: 'Share of all rows that the database reads', value: share, unit: 'ratio' },
      ...readers.map(({ queryId, text }) => ({ label: `Statement ${queryId}`, value: text.slice(0, 300) })),
    ],
    gain: {
      text: `Up to ${bytes(bytesPerHour)} read less per hour, ${percent(share)} of the rows that the database reads`,
    },
    remedy: {
      kind: 'manual',
      fix: [],
      undo: [],
      risk: 'low',
      riskDetail:
        'Index the columns by which its readers filter, join or order: the advice on missing indexes names the best set. Nothing ' +
        'has to be done where all rows are wanted.',
      appliable: false,
    },
  };
}

export const sequentialScans = sequentialScansCheck();
