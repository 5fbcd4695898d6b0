import type { TableState } from '../../ops/monitor/index.ts';
import {
  type RelationKey,
  type TableCounters,
  type TableGauges,
  type TableTotals,
  zeroTable,
  zeroTableGauges,
} from '../../ops/store/index.ts';
import type { Tables } from '../api/relations.ts';
import { iso, ratio } from './values.ts';

type TableSummary = Tables['tables'][number];

/** What is known of one table: as last seen, and over the range. */
export interface TableParts {
  key: RelationKey;
  live: TableState | undefined;
  totals: TableTotals | undefined;
}

const relationName = ({ schema, name }: RelationKey): string => JSON.stringify([schema, name]);

/**
 * Puts together the tables that exist now with their history. What the server showed last decides which tables exist;
 * when it has shown nothing yet, history does.
 */
export function joinTables(live: readonly TableState[], totals: readonly TableTotals[]): TableParts[] {
  const liveByName = new Map(live.map((table) => [relationName(table), table]));
  const totalsByName = new Map(totals.map((table) => [relationName(table.key), table]));
  const keys: RelationKey[] =
    live.length > 0 ? live.map(({ schema, name }) => ({ schema, name })) : totals.map((table) => table.key);
  return keys.map((key) => {
    const { schema, name } = key;
    return {
      key: { schema, name },
      live: liveByName.get(relationName(key)),
      totals: totalsByName.get(relationName(key)),
    };
  });
}

/** A table as lists show it; `before`: how large it was when the range began, where that is known and asked for. */
export function tableSummary({ key, live, totals }: TableParts, before?: TableGauges): TableSummary {
  const counters = totals?.counters;
  const gauges = live ?? totals?.gauges ?? zeroTableGauges;
  const totalBytes = sizeOf(gauges);
  const summary = {
    schema: key.schema,
    name: key.name,
    kind: live?.kind ?? 'table',
    id: totals?.id ?? null,
    estimatedRows: live?.estimatedRows ?? null,
    liveRows: gauges.liveRows,
    deadRows: gauges.deadRows,
    deadRatio: ratio(gauges.deadRows, gauges.liveRows + gauges.deadRows),
    heapBytes: gauges.heapBytes,
    indexBytes: gauges.indexBytes,
    toastBytes: gauges.toastBytes,
    totalBytes,
    growthBytes: before === undefined ? null : totalBytes - sizeOf(before),
    ...activity(counters ?? zeroTable),
    lastVacuum: later(live?.lastVacuum, live?.lastAutovacuum),
    lastAnalyze: later(live?.lastAnalyze, live?.lastAutoanalyze),
    modifiedSinceAnalyze: live?.modifiedSinceAnalyze ?? 0,
    frozenXidAge: live?.frozenXidAge ?? null,
  };
  return { ...summary, remarks: live === undefined ? [] : remarksOn(summary) };
}

function activity(counters: TableCounters) {
  const scans = counters.seqScans + counters.indexScans;
  const hits = counters.heapHit + counters.indexHit;
  return {
    seqScans: counters.seqScans,
    seqRowsRead: counters.seqRowsRead,
    indexScans: counters.indexScans,
    indexRatio: ratio(counters.indexScans, scans),
    inserts: counters.inserts,
    updates: counters.updates,
    deletes: counters.deletes,
    hotRatio: ratio(counters.hotUpdates, counters.updates),
    hitRatio: ratio(hits, hits + counters.heapRead + counters.indexRead),
  };
}

/**
 * Plain sentences on what stands out. Limits: a fifth dead rows is autovacuum's default scale factor; a tenth modified is
 * autoanalyze's; 200 million is `autovacuum_freeze_max_age`; reading 10,000 rows per scan is where an index begins to pay.
 */
function remarksOn(table: Omit<TableSummary, 'remarks'>): string[] {
  const remarks: string[] = [];
  const percent = (part: number) => `${Math.round(part * 100)} %`;
  if (table.deadRows >= 1000 && table.deadRatio !== null && table.deadRatio > 0.2) {
    remarks.push(`${percent(table.deadRatio)} of the rows are dead, ${vacuumedAt(table.lastVacuum)}`);
  }
  const modified = ratio(table.modifiedSinceAnalyze, Math.max(table.liveRows, 1));
  if (table.liveRows >= 1000 && table.lastAnalyze === null)
    remarks.push('Never analyzed: the planner has no statistics');
  else if (table.modifiedSinceAnalyze >= 1000 && modified !== null && modified > 0.2) {
    remarks.push(`${table.modifiedSinceAnalyze.toLocaleString('en')} rows changed since the last ANALYZE`);
  }
  const rowsPerScan = ratio(table.seqRowsRead, table.seqScans);
  if (rowsPerScan !== null && rowsPerScan > 10_000 && table.seqScans >= 10) {
    remarks.push(
      `Read whole ${table.seqScans.toLocaleString('en')} times, ${Math.round(rowsPerScan).toLocaleString('en')} rows each: an index may be missing`,
    );
  }
  if (table.frozenXidAge !== null && table.frozenXidAge > 200_000_000) {
    remarks.push(
      `Oldest transaction id is ${Math.round(table.frozenXidAge / 1e6)} million back: needs a freezing vacuum`,
    );
  }
  return remarks;
}

/** Heap, indexes and TOAST together. */
export function sizeOf(gauges: Pick<TableGauges, 'heapBytes' | 'indexBytes' | 'toastBytes'>): number {
  return gauges.heapBytes + gauges.indexBytes + gauges.toastBytes;
}

function later(a: Date | null | undefined, b: Date | null | undefined): string | null {
  const times = [a, b].filter((date) => date instanceof Date).map((date) => date.getTime());
  return times.length === 0 ? null : iso(new Date(Math.max(...times)));
}

function vacuumedAt(time: string | null): string {
  return time === null ? 'never vacuumed' : `last vacuumed ${time.slice(0, 16).replace('T', ' ')} UTC`;
}
