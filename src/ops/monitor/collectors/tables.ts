import { setImmediate as othersTurn } from 'node:timers/promises';
import { type IndexRow, readRelations, type TableWithIndexes } from '../../../engine/postgres/index.ts';
import type {
  BaselineEntry,
  IndexCounters,
  IndexDelta,
  NamedRelation,
  TableCounters,
  TableDelta,
  TableGauges,
} from '../../store/index.ts';
import { Baseline, type Increase, mergeChanges, type Reading } from '../deltas/baseline.ts';
import { NotReadable } from '../schedule/collector-loop.ts';
import type { TableState } from '../types.ts';
import { type CountingCollector, type Found, gauge, type Scrape } from './collector.ts';

interface IndexReading extends Reading {
  row: IndexRow;
}

/** Even what does not change is written now and then, so that every stretch of history knows how large it was. */
const writeAllEveryMs = 15 * 60_000;

/** What counts in a table itself; what counts in its indexes is taken from them, because indexes come and go. */
const tableValues = (row: TableWithIndexes): number[] => [
  row.seqScans,
  row.seqRowsRead,
  row.rowsFetched,
  row.inserts,
  row.updates,
  row.deletes,
  row.hotUpdates,
  // TOAST is where wide values of the heap are: its reads are the table's.
  row.heapRead + row.toastRead,
  row.heapHit + row.toastHit,
  row.vacuums,
  row.autovacuums,
  row.analyzes,
  row.autoanalyzes,
];
const tableCounterCount = 13;

const indexValues = (row: IndexRow): number[] => [
  row.scans,
  row.rowsRead,
  row.rowsFetched,
  row.blocksRead,
  row.blocksHit,
];
const indexCounterCount = 5;

/**
 * Not by oid: REINDEX CONCURRENTLY makes a new index that takes over the name and the counters of the old one. What is
 * left of the old one meanwhile is not valid, and not counted.
 */
const indexKey = (row: IndexRow): string => [row.tableOid, row.name].join('/');

/** Reads the counters and sizes of tables and indexes of the current database. */
export class TablesCollector implements CountingCollector {
  readonly #tables = new Baseline({ counters: tableCounterCount }, 't/');
  readonly #indexes = new Baseline<IndexReading>({ counters: indexCounterCount }, 'i/');
  #states: TableState[] | undefined;
  #invalid: { schema: string; table: string; name: string }[] | undefined;
  #sizes = new Map<number, number>();
  /** Names of tables and indexes as last read, by us or by the daemon before us, to see which are gone. */
  #names = new Set<string>();
  #allWrittenAt = -Infinity;

  /** Tables as last read; `undefined` before. */
  get states(): TableState[] | undefined {
    return this.#states;
  }

  /** Indexes that are not valid; `undefined` when not read yet. */
  get invalidIndexes(): { schema: string; table: string; name: string }[] | undefined {
    return this.#invalid;
  }

  load(stored: ReadonlyMap<string, BaselineEntry>): void {
    this.#tables.load(stored);
    this.#indexes.load(stored);
    this.#allWrittenAt = -Infinity;
  }

  /** Tables and indexes that the store lists: those of them that are gone were dropped while nobody looked. */
  loadListed(listed: readonly NamedRelation[]): void {
    this.#names = new Set(listed.map(({ family, schema, name }) => nameOf(family, schema, name)));
  }

  async collect({ connection, profile, at }: Scrape): Promise<Found> {
    const { rows, skipped } = await readRelations(connection, profile);
    if (rows.length === 0 && skipped.length > 0) throw new NotReadable(skipped[0]?.reason ?? 'not readable');

    // Of tens of thousands each of these steps takes a while, and others wait.
    await othersTurn();
    // Another server may have what was dropped from the one before: all that it has is to be listed again.
    if (this.#tables.belongsTo(profile.identity)) this.#allWrittenAt = -Infinity;
    this.#indexes.belongsTo(profile.identity);
    const indexRows = rows.flatMap((row) => row.indexes);
    const tableStep = this.#tables.step(
      rows.map((row) => ({ key: String(row.oid), values: tableValues(row) })),
      at,
      true,
    );
    await othersTurn();
    const indexStep = this.#indexes.step(
      indexRows.filter(({ valid }) => valid).map((row) => ({ key: indexKey(row), values: indexValues(row), row })),
      at,
      true,
    );
    await othersTurn();
    const writeAll = this.#allWrittenAt + writeAllEveryMs <= at || this.#allWrittenAt > at;
    if (writeAll) this.#allWrittenAt = at;
    const indexesGrown = Map.groupBy(indexStep.increases, ({ reading }) => reading.row.tableOid);
    const tablesGrown = new Map(tableStep.increases.map(({ reading, by }) => [Number(reading.key), by]));
    const sizesBefore = this.#sizes;
    this.#sizes = sizesOf(rows);
    const changed = (oid: number): boolean => writeAll || sizesBefore.get(oid) !== this.#sizes.get(oid);
    await othersTurn();
    const names = new Set(rows.flatMap((row) => namesOf(row)));
    const dropped = [...this.#names].filter((name) => !names.has(name)).map((name) => droppedRelation(name));
    // Where a part could not be read, nothing is known to be gone.
    if (skipped.length === 0) this.#names = names;
    await othersTurn();
    const states = rows.map((row) => stateOf(row));
    this.#states = states;
    this.#invalid = indexRows
      .filter(({ valid, partitioned }) => !valid && !partitioned)
      .map(({ schema, table, name }) => ({ schema, table, name }));
    return {
      seconds: tableStep.seconds,
      groups: [{ source: 'tables', samples: sums(states), seconds: tableStep.seconds }],
      tables: rows
        .filter(({ oid }) => tablesGrown.has(oid) || indexesGrown.has(oid) || changed(oid))
        .map((row) => tableDelta(row, tablesGrown.get(row.oid), indexesGrown.get(row.oid) ?? [])),
      indexes: indexDeltas(indexRows, indexStep.increases, changed),
      dropped: skipped.length === 0 ? dropped : [],
      baseline: mergeChanges([tableStep.change, indexStep.change]),
      skipped,
    };
  }
}

function nameOf(family: NamedRelation['family'], schema: string, name: string): string {
  return JSON.stringify([family, schema, name]);
}

/** Names of a table and its indexes, each as one text. */
function namesOf({ schema, name, indexes }: TableWithIndexes): string[] {
  return [nameOf('table', schema, name), ...indexes.map((index) => nameOf('index', schema, index.name))];
}

function droppedRelation(named: string): NamedRelation {
  const [family, schema, name] = JSON.parse(named) as [NamedRelation['family'], string, string];
  return { family, schema, name };
}

/** One number per relation that changes with any of its gauges: cheaper to keep than the gauges themselves. */
function sizesOf(rows: readonly TableWithIndexes[]): Map<number, number> {
  const sizes = new Map<number, number>();
  for (const { oid, liveRows, deadRows, heapBytes, indexBytes, toastBytes, indexes } of rows) {
    sizes.set(oid, liveRows + deadRows * 1.000_003 + heapBytes * 1.37 + indexBytes * 1.73 + toastBytes * 1.91);
    for (const index of indexes) sizes.set(index.oid, index.bytes);
  }
  return sizes;
}

function tableDelta(
  row: TableWithIndexes,
  own: readonly number[] | undefined,
  indexes: readonly Increase<IndexReading>[],
): TableDelta {
  const of = (position: number): number => own?.[position] ?? 0;
  const ofIndexes = (position: number): number => indexes.reduce((total, { by }) => total + (by[position] ?? 0), 0);
  const counters: TableCounters = {
    seqScans: of(0),
    seqRowsRead: of(1),
    indexScans: ofIndexes(0),
    // A bitmap scan fetches rows for several indexes at once, so PostgreSQL counts them in the table.
    indexRowsFetched: of(2) + ofIndexes(2),
    inserts: of(3),
    updates: of(4),
    deletes: of(5),
    hotUpdates: of(6),
    heapRead: of(7),
    heapHit: of(8),
    indexRead: ofIndexes(3),
    indexHit: ofIndexes(4),
    vacuums: of(9),
    autovacuums: of(10),
    analyzes: of(11),
    autoanalyzes: of(12),
  };
  const { schema, name, liveRows, deadRows, heapBytes, indexBytes, toastBytes } = row;
  const gauges: TableGauges = { liveRows, deadRows, heapBytes, indexBytes, toastBytes };
  return { key: { schema, name }, counters, gauges };
}

function indexDeltas(
  rows: readonly IndexRow[],
  increases: readonly Increase<IndexReading>[],
  changed: (oid: number) => boolean,
): IndexDelta[] {
  const grown = new Map(increases.map(({ reading, by }) => [reading.row.oid, by]));
  return rows
    .filter(({ oid }) => grown.has(oid) || changed(oid))
    .map(({ oid, schema, table, name, bytes }) => {
      const [scans = 0, rowsRead = 0, rowsFetched = 0, blocksRead = 0, blocksHit = 0] = grown.get(oid) ?? [];
      const counters: IndexCounters = { scans, rowsRead, rowsFetched, blocksRead, blocksHit };
      return { key: { schema, name, parent: table }, counters, gauges: { bytes } };
    });
}

function stateOf(row: TableWithIndexes): TableState {
  return {
    oid: row.oid,
    schema: row.schema,
    name: row.name,
    kind: row.kind,
    estimatedRows: row.estimatedRows,
    liveRows: row.liveRows,
    deadRows: row.deadRows,
    heapBytes: row.heapBytes,
    indexBytes: row.indexBytes,
    toastBytes: row.toastBytes,
    lastVacuum: row.lastVacuum,
    lastAutovacuum: row.lastAutovacuum,
    lastAnalyze: row.lastAnalyze,
    lastAutoanalyze: row.lastAutoanalyze,
    seqScans: row.seqScans,
    indexScans: row.indexes.reduce((sum, { scans }) => sum + scans, 0),
    modifiedSinceAnalyze: row.modifiedSinceAnalyze,
    frozenXidAge: row.frozenXidAge,
  };
}

function sums(states: readonly TableState[]) {
  const sum = (of: (state: TableState) => number): number => states.reduce((total, state) => total + of(state), 0);
  return [
    gauge('tables.count', states.length),
    gauge(
      'tables.live_rows',
      sum(({ liveRows }) => liveRows),
    ),
    gauge(
      'tables.dead_rows',
      sum(({ deadRows }) => deadRows),
    ),
    gauge(
      'tables.heap_bytes',
      sum(({ heapBytes }) => heapBytes),
    ),
    gauge(
      'tables.index_bytes',
      sum(({ indexBytes }) => indexBytes),
    ),
  ];
}
