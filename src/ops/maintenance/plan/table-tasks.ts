import { quoteIdentifier, type UpkeepRow } from '../../../engine/postgres/index.ts';
import { readableName } from '../../../sql/index.ts';
import { count, percent } from '../../words/index.ts';
import type { MaintenanceTask } from '../types.ts';
import type { MaintenanceThresholds } from './thresholds.ts';

/** What the server says that decides with a table. */
export interface ServerLimits {
  versionNumber: number;
  blockSize: number;
  freezeMaxAge: number;
  multixactFreezeMaxAge: number;
}

/** Pages that are read and written per second, for rough estimates: 100 MB/s at 8 kB. */
const pagesPerSecond = 12_800;
/** ANALYZE reads 300 × default_statistics_target pages at most. */
const samplePages = 30_000;

/** What is asked for. */
export interface Wanted {
  /** ANALYZE. */
  analyze: boolean;
  /** VACUUM, REINDEX, and removing what REINDEX left behind. */
  optimize: boolean;
}

/** What a table needs: at most one task, because VACUUM can ANALYZE on its way. */
export function taskFor(
  table: UpkeepRow,
  limits: ServerLimits,
  thresholds: MaintenanceThresholds,
  { analyze, optimize }: Wanted,
): MaintenanceTask | undefined {
  const stale = analyze ? staleness(table, thresholds) : undefined;
  const vacuum = optimize && table.kind !== 'partitioned' ? vacuumNeed(table, limits, thresholds) : undefined;
  if (vacuum === undefined && stale === undefined) return undefined;
  const name = `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`;
  const of = { schema: table.schema, table: table.name, tableOid: table.oid, needsBytes: 0, freesBytes: 0 };
  // What is wrong with a table of a few pages costs nobody much.
  const weight = 0.1 + 0.9 * Math.min(1, Math.log10(1 + table.pages) / 4);
  const analyzeSeconds = 0.05 + Math.min(table.pages, samplePages) / pagesPerSecond;
  if (vacuum === undefined) {
    // Since 18 the partitions can be left out: their own statistics are judged on their own.
    const only = table.kind === 'partitioned' && limits.versionNumber >= 180_000 ? 'ONLY ' : '';
    return {
      ...of,
      kind: 'analyze',
      statement: `ANALYZE (SKIP_LOCKED) ${only}${name}`,
      reason: stale?.reason ?? '',
      gain: (stale?.gain ?? 0) * weight,
      estimatedSeconds: analyzeSeconds,
    };
  }
  const options = [
    'SKIP_LOCKED',
    ...(vacuum.kind === 'freeze' ? ['FREEZE'] : []),
    ...(stale === undefined ? [] : ['ANALYZE']),
  ];
  const pages = vacuum.kind === 'freeze' ? table.pages : table.pages - table.allVisiblePages;
  const indexPages = table.deadRows > 0 ? table.indexBytes / limits.blockSize : 0;
  return {
    ...of,
    kind: vacuum.kind,
    statement: `VACUUM (${options.join(', ')}) ${name}`,
    reason: [vacuum.reason, ...(stale ? [stale.reason] : [])].join('; '),
    gain: vacuum.kind === 'freeze' ? vacuum.gain : (vacuum.gain + (stale?.gain ?? 0)) * weight,
    estimatedSeconds: 0.05 + (pages + indexPages) / pagesPerSecond + (stale ? analyzeSeconds : 0),
  };
}

interface Need {
  reason: string;
  /** Between 0 and 100 for what is usual; more for what is dangerous. */
  gain: number;
}

/** A factor that the table or the server sets, when it is stricter than ours. */
function strictest(table: UpkeepRow, option: string, ours: number): number {
  const own = table.options.find((each) => each.startsWith(`${option}=`));
  const value = own === undefined ? Number.NaN : Number(own.slice(option.length + 1));
  return Number.isFinite(value) ? Math.min(value, ours) : ours;
}

function staleness(table: UpkeepRow, thresholds: MaintenanceThresholds): Need | undefined {
  const name = readableName(table.schema, table.name);
  if (table.kind === 'partitioned') {
    const held = table.partitionRows ?? 0;
    if (held < thresholds.changedRows) return undefined;
    if (table.rows === null) return { reason: `${name} has no statistics of its partitions taken together`, gain: 60 };
    const drift = Math.abs(held - table.rows) / held;
    if (drift < thresholds.changedShare) return undefined;
    return {
      reason: `${name} has statistics of ${count(table.rows)} rows, its partitions hold ${count(held)}`,
      gain: 30 * drift,
    };
  }
  const rows = Math.max(table.rows ?? 0, 0);
  const changed = table.modifiedSinceAnalyze;
  if (
    table.lastAnalyze === null &&
    (table.rows === null ? table.pages > 0 || changed > 0 : changed > thresholds.changedRows)
  ) {
    return { reason: `${name} was never analysed`, gain: 80 };
  }
  const factor = strictest(table, 'autovacuum_analyze_scale_factor', thresholds.changedShare);
  if (changed < Math.max(thresholds.changedRows, factor * rows)) return undefined;
  const share = changed / Math.max(rows, 1);
  return {
    reason: `${count(changed)} rows of ${name} (${percent(Math.min(1, share))}) changed since it was analysed`,
    gain: Math.min(70, 20 + 50 * share),
  };
}

function vacuumNeed(
  table: UpkeepRow,
  limits: ServerLimits,
  thresholds: MaintenanceThresholds,
): (Need & { kind: 'vacuum' | 'freeze' }) | undefined {
  const name = readableName(table.schema, table.name);
  const freeze = Math.max(
    (table.frozenXidAge ?? 0) / strictest(table, 'autovacuum_freeze_max_age', limits.freezeMaxAge),
    (table.frozenMxidAge ?? 0) / strictest(table, 'autovacuum_multixact_freeze_max_age', limits.multixactFreezeMaxAge),
  );
  if (freeze >= thresholds.freezeShare) {
    return {
      kind: 'freeze',
      // Before all others: at its end the server takes no writes any more.
      gain: 1000 * freeze,
      reason: `${name} is at ${percent(freeze)} of the age at which it is vacuumed whatever the hour`,
    };
  }
  const rows = Math.max(table.rows ?? 0, 0);
  const factor = strictest(table, 'autovacuum_vacuum_scale_factor', thresholds.deadShare);
  if (table.deadRows >= Math.max(thresholds.deadRows, factor * rows)) {
    const share = table.deadRows / Math.max(1, rows + table.deadRows);
    return {
      kind: 'vacuum',
      gain: 20 + 70 * share,
      reason: `${count(table.deadRows)} rows of ${name} are dead (${percent(share)})`,
    };
  }
  const inserted = table.insertedSinceVacuum;
  if (inserted >= Math.max(thresholds.insertedRows, thresholds.insertedShare * rows)) {
    return {
      kind: 'vacuum',
      gain: 15,
      reason: `${count(inserted)} rows were inserted into ${name} since it was vacuumed, none of them frozen or marked visible`,
    };
  }
  const invisible = 1 - table.allVisiblePages / Math.max(1, table.pages);
  const changed = inserted + table.deadRows > 0;
  if (
    changed &&
    table.indexScans > 0 &&
    table.pages >= thresholds.invisiblePages &&
    invisible >= thresholds.invisibleShare
  ) {
    return {
      kind: 'vacuum',
      gain: 10 * invisible,
      reason: `${percent(invisible)} of the pages of ${name} are not marked visible, so that index-only scans read them too`,
    };
  }
  return undefined;
}
