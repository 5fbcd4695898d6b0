import type { ActivityCounters, ApplicationCounters, CallerCounters } from './applications/types.ts';
import type { CacheCounters } from './caches/types.ts';
import type { Family, IndexCounters, StatementCounters, TableCounters, TableGauges } from './types.ts';

/**
 * What each family of history keeps per row. From this one definition come the tables, the statements that write and
 * roll up, and the parts of every query that read.
 *
 * A new column is added here and by a migration that says `ADD COLUMN IF NOT EXISTS`, because new stores make their
 * tables from this definition.
 */
export interface FamilyDefinition {
  family: Family;
  /** The column that says whose values a row holds. */
  key: string;
  columns: readonly Column[];
  /**
   * Raw rows of one key within so many seconds are one row, to which is added: of what is told by many and often. Without it
   * each batch has rows of its own.
   */
  rawSeconds?: number;
  /** Raw rows are kept for so long at most, in milliseconds, where they take much room and minutes say enough. */
  rawRetentionMs?: number;
}

export interface Column {
  name: string;
  /** `integer[]` is a histogram, see `histogram-elements.ts`. */
  type: 'double precision' | 'timestamptz' | 'integer[]';
  /**
   * How values of a finer level become one. `last` is the value of the row with the greatest `seen`, `counts` adds up
   * histograms.
   */
  rollUp: 'sum' | 'min' | 'max' | 'last' | 'counts';
  /** Zero is kept as NULL, which takes no space: most counters of most rows are zero. */
  sparse?: boolean;
  /** The value in a raw sample, where the sample itself does not keep the column. */
  atRaw?: string;
}

const number = 'double precision';

/** `totalExecUs` → `total_exec_us` */
export function columnName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function counter(field: string): Column {
  return { name: columnName(field), type: number, rollUp: 'sum', sparse: true };
}

function greatest(field: string): Column {
  return { name: columnName(field), type: number, rollUp: 'max', sparse: true };
}

function gauge(field: string): Column {
  return { name: columnName(field), type: number, rollUp: 'last', sparse: true };
}

/** When the gauges of a row were seen: the later one wins, in whatever order rows arrive. */
const seen: Column = { name: 'seen', type: 'timestamptz', rollUp: 'max', atRaw: 'at' };

function fieldsOf<Values extends object>(zero: Values): readonly (keyof Values & string)[] {
  return Object.keys(zero) as (keyof Values & string)[];
}

export const zeroStatement: Readonly<StatementCounters> = Object.freeze({
  calls: 0,
  rows: 0,
  totalExecUs: 0,
  plans: 0,
  totalPlanUs: 0,
  sumSquaresMs2: 0,
  sharedHit: 0,
  sharedRead: 0,
  sharedDirtied: 0,
  sharedWritten: 0,
  localRead: 0,
  localWritten: 0,
  tempRead: 0,
  tempWritten: 0,
  blockReadUs: 0,
  blockWriteUs: 0,
  walRecords: 0,
  walFpi: 0,
  walBytes: 0,
  jitUs: 0,
});

export const zeroTable: Readonly<TableCounters> = Object.freeze({
  seqScans: 0,
  seqRowsRead: 0,
  indexScans: 0,
  indexRowsFetched: 0,
  inserts: 0,
  updates: 0,
  deletes: 0,
  hotUpdates: 0,
  heapRead: 0,
  heapHit: 0,
  indexRead: 0,
  indexHit: 0,
  vacuums: 0,
  autovacuums: 0,
  analyzes: 0,
  autoanalyzes: 0,
});

export const zeroTableGauges: Readonly<TableGauges> = {
  liveRows: 0,
  deadRows: 0,
  heapBytes: 0,
  indexBytes: 0,
  toastBytes: 0,
};

export const zeroIndex: Readonly<IndexCounters> = Object.freeze({
  scans: 0,
  rowsRead: 0,
  rowsFetched: 0,
  blocksRead: 0,
  blocksHit: 0,
});

const zeroApplication: Readonly<ApplicationCounters> = Object.freeze({
  calls: 0,
  errors: 0,
  rows: 0,
  totalUs: 0,
  waitUs: 0,
});

export const zeroActivity: Readonly<ActivityCounters> = Object.freeze({
  count: 0,
  totalUs: 0,
  statements: 0,
  statementUs: 0,
  heapGrowths: 0,
  heapGrowth: 0,
  timeouts: 0,
  errors: 0,
  opened: 0,
  openErrors: 0,
  closed: 0,
});

export const zeroCache: Readonly<CacheCounters> = Object.freeze({
  hits: 0,
  misses: 0,
  staleHits: 0,
  loads: 0,
  loadErrors: 0,
  loadUs: 0,
  lookups: 0,
  lookupUs: 0,
  evictions: 0,
  unreadable: 0,
  refused: 0,
  count: 0,
});

const zeroCaller: Readonly<CallerCounters> = Object.freeze({ calls: 0, requests: 0 });

export const statementFields = fieldsOf<StatementCounters>(zeroStatement);
export const tableFields = fieldsOf<TableCounters>(zeroTable);
export const tableGaugeFields = fieldsOf<TableGauges>(zeroTableGauges);
export const indexFields = fieldsOf<IndexCounters>(zeroIndex);
export const indexGaugeFields = ['bytes'] as const;
export const applicationFields = fieldsOf<ApplicationCounters>(zeroApplication);
export const activityFields = fieldsOf<ActivityCounters>(zeroActivity);
export const activityMaxima = ['maxUs', 'mostStatements', 'mostHeapGrowth'] as const;
export const cacheFields = fieldsOf<CacheCounters>(zeroCache);
const callerFields = fieldsOf<CallerCounters>(zeroCaller);

/**
 * A counter's row has the seconds that it covers: its rate is `total / seconds`, also after a pause. A gauge has none:
 * its mean is `total / n`.
 */
const metric: FamilyDefinition = {
  family: 'metric',
  key: 'series_id',
  columns: [
    { name: 'seconds', type: number, rollUp: 'sum' },
    { name: 'total', type: number, rollUp: 'sum' },
    { name: 'n', type: number, rollUp: 'sum', atRaw: '1::double precision' },
    { name: 'lowest', type: number, rollUp: 'min', atRaw: 'CASE WHEN seconds IS NULL THEN total END' },
    { name: 'highest', type: number, rollUp: 'max', atRaw: 'CASE WHEN seconds IS NULL THEN total END' },
  ],
};

export const families: Readonly<Record<Family, FamilyDefinition>> = {
  metric,
  statement: { family: 'statement', key: 'statement_id', columns: statementFields.map(counter) },
  table: {
    family: 'table',
    key: 'relation_id',
    columns: [...tableFields.map(counter), ...tableGaugeFields.map(gauge), seen],
  },
  index: {
    family: 'index',
    key: 'relation_id',
    columns: [...indexFields.map(counter), ...indexGaugeFields.map(gauge), seen],
  },
  application: {
    family: 'application',
    key: 'application_statement_id',
    columns: [
      ...applicationFields.map(counter),
      greatest('maxUs'),
      { name: 'histogram', type: 'integer[]', rollUp: 'counts', sparse: true },
    ],
    rawSeconds: 10,
    rawRetentionMs: 2 * 3_600_000,
  },
  caller: {
    family: 'caller',
    key: 'caller_id',
    columns: [...callerFields.map(counter), greatest('most')],
    rawSeconds: 300,
    rawRetentionMs: 2 * 3_600_000,
  },
  activity: {
    family: 'activity',
    key: 'activity_id',
    columns: [
      ...activityFields.map(counter),
      ...activityMaxima.map(greatest),
      { name: 'histogram', type: 'integer[]', rollUp: 'counts', sparse: true },
    ],
    rawSeconds: 10,
    rawRetentionMs: 2 * 3_600_000,
  },
  cache: {
    family: 'cache',
    key: 'cache_part_id',
    columns: cacheFields.map(counter),
    rawSeconds: 10,
    rawRetentionMs: 2 * 3_600_000,
  },
};

export const familyNames = Object.keys(families) as Family[];
