import {
  type DatabaseRow,
  type IoRow,
  type Reading,
  readArchiver,
  readBgwriter,
  readCheckpointer,
  readConflicts,
  readDatabases,
  readIo,
  readLocks,
  readPreparedTransactions,
  readProgress,
  readSlru,
  readSubscriptions,
  readWal,
  type Skipped,
} from '../../../engine/postgres/index.ts';
import type { MetricSample } from '../../store/index.ts';
import type { MetricName } from '../metrics.ts';
import { gauge, type Scrape } from './collector.ts';

/** A counter of the server as it stands. */
export interface CounterReading {
  name: MetricName;
  labels?: Record<string, string>;
  value: number;
  /** Time of the last reset, where the server tells it. */
  stamp?: string | undefined;
}

/** What one subject of the instance gave. */
export interface SubjectFound {
  counters: CounterReading[];
  gauges: MetricSample[];
  skipped: Skipped[];
}

/** A part of the server's statistics, read and failing on its own. */
export interface Subject {
  name: string;
  /** Has hundreds of series most of which never count anything: those are left out. */
  sparse?: boolean;
  read(scrape: Scrape): Promise<SubjectFound>;
}

/** Subjects of which nothing but figures is kept. */
export const plainSubjects: readonly Subject[] = [
  {
    name: 'conflicts',
    read: async ({ connection, profile }) =>
      map(await readConflicts(connection, profile), (rows) => {
        const {
          database: _,
          current: __,
          ...reasons
        } = rows.find((row) => row.current) ?? { database: '', current: false };
        return Object.entries(reasons).flatMap(([reason, value]) =>
          typeof value === 'number' ? [{ name: 'database.conflicts' as const, labels: { reason }, value }] : [],
        );
      }),
  },
  {
    name: 'checkpointer',
    read: async ({ connection, profile }) =>
      map(await readCheckpointer(connection, profile), ([row]) =>
        row
          ? stamped(row.statsReset, [
              // A standby makes restartpoints instead.
              { name: 'checkpoints.timed', value: row.timed + (row.restartpointsTimed ?? 0) },
              { name: 'checkpoints.requested', value: row.requested + (row.restartpointsRequested ?? 0) },
              { name: 'checkpoints.write_seconds', value: row.writeMs / 1000 },
              { name: 'checkpoints.sync_seconds', value: row.syncMs / 1000 },
              { name: 'checkpoints.buffers', value: row.buffersWritten },
            ])
          : [],
      ),
  },
  {
    name: 'bgwriter',
    read: async ({ connection, profile }) =>
      map(await readBgwriter(connection, profile), ([row]) =>
        row
          ? stamped(row.statsReset, [
              { name: 'bgwriter.buffers_clean', value: row.buffersClean },
              { name: 'bgwriter.maxwritten', value: row.maxwritten },
              { name: 'bgwriter.buffers_alloc', value: row.buffersAlloc },
            ])
          : [],
      ),
  },
  {
    name: 'wal',
    read: async ({ connection, profile }) =>
      map(await readWal(connection, profile), ([row]) =>
        row
          ? stamped(row.statsReset, [
              { name: 'wal.bytes', value: row.bytes },
              { name: 'wal.records', value: row.records },
              { name: 'wal.full_page_images', value: row.fullPageImages },
              { name: 'wal.buffers_full', value: row.buffersFull },
            ])
          : [],
      ),
  },
  {
    name: 'archiver',
    read: async ({ connection }) =>
      map(await readArchiver(connection), ([row]) =>
        row
          ? stamped(row.statsReset, [
              { name: 'wal.archived', value: row.archived },
              { name: 'wal.archive_failures', value: row.failed },
            ])
          : [],
      ),
  },
  {
    name: 'io',
    sparse: true,
    read: async ({ connection, profile }) => map(await readIo(connection, profile), ioCounters),
  },
  {
    name: 'slru',
    sparse: true,
    read: async ({ connection }) =>
      map(await readSlru(connection), (rows) =>
        rows.map((row) => ({
          name: 'slru.read_blocks',
          labels: { name: row.name },
          value: row.blocksRead,
          stamp: row.statsReset?.toISOString(),
        })),
      ),
  },
  {
    name: 'subscriptions',
    read: async ({ connection, profile }) =>
      map(await readSubscriptions(connection, profile), (rows) =>
        rows.map((row) => ({
          name: 'replication.subscription_errors',
          labels: { subscription: row.name },
          value: row.applyErrors + row.syncErrors,
          stamp: row.statsReset?.toISOString(),
        })),
      ),
  },
  {
    name: 'locks',
    read: async ({ connection }) =>
      map(
        await readLocks(connection),
        () => [],
        (rows) => [
          ...rows.map(({ mode, held }) => gauge('locks.held', held, { mode })),
          ...rows
            .filter(({ waiting }) => waiting > 0)
            .map(({ mode, waiting }) => gauge('locks.waiting', waiting, { mode })),
        ],
      ),
  },
  {
    name: 'progress',
    read: async ({ connection, profile }) =>
      map(
        await readProgress(connection, profile),
        () => [],
        (rows) => [gauge('vacuum.running', rows.filter(({ command }) => command === 'VACUUM').length)],
      ),
  },
  {
    name: 'prepared transactions',
    read: async ({ connection, at }) =>
      map(
        await readPreparedTransactions(connection),
        () => [],
        (rows) => [
          gauge('prepared_transactions.count', rows.length),
          gauge(
            'prepared_transactions.oldest_seconds',
            Math.max(0, ...rows.map(({ preparedAt }) => (at - preparedAt.getTime()) / 1000)),
          ),
        ],
      ),
  },
];

/** Counters of the database we are connected to, and how near any database is to transaction id wraparound. */
export async function readDatabaseSubject({ connection }: Scrape): Promise<SubjectFound & { rows: DatabaseRow[] }> {
  const reading = await readDatabases(connection);
  const row = reading.rows.find(({ current }) => current);
  const found = map(
    reading,
    () => (row ? stamped(row.statsReset, databaseCounters(row)) : []),
    (rows) => [
      gauge('database.xid_age', Math.max(0, ...rows.map(({ xidAge }) => xidAge))),
      gauge('database.mxid_age', Math.max(0, ...rows.map(({ mxidAge }) => mxidAge))),
    ],
  );
  return { ...found, rows: reading.rows };
}

function databaseCounters(row: DatabaseRow): CounterReading[] {
  return [
    { name: 'database.commits', value: row.commits },
    { name: 'database.rollbacks', value: row.rollbacks },
    { name: 'database.blocks_read', value: row.blocksRead },
    { name: 'database.blocks_hit', value: row.blocksHit },
    { name: 'database.rows_returned', value: row.rowsReturned },
    { name: 'database.rows_fetched', value: row.rowsFetched },
    { name: 'database.rows_inserted', value: row.rowsInserted },
    { name: 'database.rows_updated', value: row.rowsUpdated },
    { name: 'database.rows_deleted', value: row.rowsDeleted },
    { name: 'database.temp_files', value: row.tempFiles },
    { name: 'database.temp_bytes', value: row.tempBytes },
    { name: 'database.deadlocks', value: row.deadlocks },
    ...(row.checksumFailures === null
      ? []
      : [{ name: 'database.checksum_failures' as const, value: row.checksumFailures }]),
    { name: 'database.block_read_seconds', value: row.blockReadMs / 1000 },
    { name: 'database.block_write_seconds', value: row.blockWriteMs / 1000 },
    { name: 'database.active_seconds', value: row.activeMs / 1000 },
    { name: 'database.idle_in_transaction_seconds', value: row.idleInTransactionMs / 1000 },
    { name: 'database.sessions', value: row.sessions },
    { name: 'database.sessions_abandoned', value: row.sessionsAbandoned },
    { name: 'database.sessions_fatal', value: row.sessionsFatal },
    { name: 'database.sessions_killed', value: row.sessionsKilled },
  ];
}

/** By kind of process and context; tables, temporary tables and WAL together. */
function ioCounters(rows: readonly IoRow[]): CounterReading[] {
  const groups = Map.groupBy(rows, ({ backendType, context }) => JSON.stringify([backendType, context]));
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const labels = { backend: first.backendType, context: first.context };
    const stamp = first.statsReset?.toISOString();
    const sum = (of: (row: IoRow) => number | null): number => group.reduce((total, row) => total + (of(row) ?? 0), 0);
    const counters: CounterReading[] = [
      { name: 'io.read_bytes', labels, value: sum(({ readBytes }) => readBytes), stamp },
      // Extending a file writes it.
      {
        name: 'io.write_bytes',
        labels,
        value: sum(({ writeBytes }) => writeBytes) + sum(({ extendBytes }) => extendBytes),
        stamp,
      },
      { name: 'io.read_seconds', labels, value: sum(({ readMs }) => readMs) / 1000, stamp },
      {
        name: 'io.write_seconds',
        labels,
        value: (sum(({ writeMs }) => writeMs) + sum(({ extendMs }) => extendMs)) / 1000,
        stamp,
      },
      { name: 'io.fsyncs', labels, value: sum(({ fsyncs }) => fsyncs), stamp },
    ];
    return counters;
  });
}

function map<Row>(
  { rows, skipped }: Reading<Row>,
  counters: (rows: Row[]) => CounterReading[],
  gauges: (rows: Row[]) => MetricSample[] = () => [],
): SubjectFound {
  const unread = rows.length === 0 && skipped.length > 0;
  return { counters: counters(rows), gauges: unread ? [] : gauges(rows), skipped };
}

function stamped(statsReset: Date | null, counters: CounterReading[]): CounterReading[] {
  const stamp = statsReset?.toISOString();
  return counters.map((counter) => ({ ...counter, stamp }));
}
