import type { PlanNode } from '../tree/types.ts';
import { about, counted, percent, shortened, size, workMem } from '../words.ts';
import { indexKeys } from './columns.ts';
import { inputsOf, neverRun, removedBy, rowsOf, said, wasRun } from './figures.ts';
import type { PlanContext, PlanRule } from './rule.ts';

/** Smaller tables are read whole as fast as by an index. */
export const largeTable = 10_000;
/** A scan that keeps more than this share is right to read everything. */
const selective = 0.2;
/** Costs in units of a sequential page read; below it nothing is worth a word. */
export const notableCost = 500;

/** A whole large table is read, to keep few of its rows. */
export const filteredScan: PlanRule = {
  id: 'filtered-scan',
  look({ node, context }) {
    if (node.type !== 'Seq Scan' || !node.filter || node.filter.includes('SubPlan') || neverRun(node)) return undefined;
    const read = wasRun(node) ? rowsOf(node) + removedBy(node, 'Filter') : tableRows(node, context);
    const perLoop = read === undefined ? undefined : read / Math.max(1, node.actual?.loops ?? 1);
    const large =
      perLoop === undefined
        ? (node.totalCost ?? 0) >= notableCost
        : (node.parallel ? (read ?? 0) : perLoop) >= largeTable;
    if (!large || (read !== undefined && rowsOf(node) > read * selective)) return undefined;
    const all =
      read === undefined
        ? `the whole of ${node.relation}`
        : `${wasRun(node) ? counted(read) : `all ${about(read)}`} rows of ${node.relation}`;
    return {
      severity: 'warning',
      message: `Reads ${all} to keep ${said(node, rowsOf(node))}: ${shortened(node.filter)}`,
      advice: indexAdvice(node.relation, node.filter),
    };
  },
};

function indexAdvice(relation: string | undefined, filter: string): string {
  const keys = indexKeys(filter);
  if (keys.length === 0)
    return `An index on the columns of this condition could spare reading the rest of ${relation}.`;
  return `An index on ${relation} (${keys.join(', ')}) could spare reading the rest.`;
}

/** An index finds many rows, of which the condition behind it keeps few. */
export const lossyIndex: PlanRule = {
  id: 'index-filter',
  look({ node, parent }) {
    if (!node.filter || node.filter.includes('SubPlan') || neverRun(node)) return undefined;
    // What a LIMIT looks for in the order of an index is told apart.
    if (parent?.type === 'Limit' && !node.indexCond && node.type !== 'Bitmap Heap Scan') return undefined;
    const found = indexRows(node);
    const kept = rowsOf(node);
    const least = wasRun(node) ? 1000 : largeTable;
    if (found === undefined || found < least || kept * 10 > found) return undefined;
    const keys = indexKeys(node.filter);
    const what = keys.length > 0 ? `has ${keys.join(', ')} as well` : 'also has the columns of this condition';
    return {
      severity: 'warning',
      message: `The index finds ${said(node, found)} rows, of which ${said(node, kept)} are kept: ${shortened(node.filter)}`,
      advice: `An index that ${what} would find only the rows that are kept.`,
    };
  },
};

/** Rows that an index found for a scan. */
function indexRows(node: PlanNode): number | undefined {
  const [index] = node.children;
  if (wasRun(node) && /^(?:Index|Index Only|Bitmap Heap) Scan$/.test(node.type))
    return rowsOf(node) + removedBy(node, 'Filter');
  return node.type === 'Bitmap Heap Scan' && index?.type.startsWith('Bitmap') ? (index.rows ?? 0) : undefined;
}

/** A bitmap that did not fit remembers pages instead of rows. */
export const lossyBitmap: PlanRule = {
  id: 'lossy-bitmap',
  look({ node }) {
    const lossy = node.figure('Lossy Heap Blocks') ?? 0;
    if (lossy === 0) return undefined;
    const blocks = lossy + (node.figure('Exact Heap Blocks') ?? 0);
    const again = removedBy(node, 'Index Recheck');
    return {
      severity: lossy * 10 >= blocks ? 'warning' : 'info',
      message: `The bitmap of found rows was too large for work_mem: ${counted(lossy)} of ${counted(blocks)} pages were searched whole, ${counted(again)} rows in vain`,
      // tbm_calculate_entries: 48 bytes for a page and two pointers.
      advice: `work_mem = '${workMem(blocks * 64)}' would hold it for this statement.`,
    };
  },
};

/** An index-only scan that has to ask the table nevertheless. */
export const heapFetches: PlanRule = {
  id: 'heap-fetches',
  look({ node }) {
    const fetches = node.figure('Heap Fetches') ?? 0;
    if (node.type !== 'Index Only Scan' || fetches < 1000 || fetches * 10 < rowsOf(node)) return undefined;
    return {
      severity: 'warning',
      message: `An index-only scan had to look into the table ${counted(fetches)} times, because its pages are not known to be visible to all`,
      advice: `VACUUM ${node.relation}; if it comes back, let autovacuum run on it more often (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor).`,
    };
  },
};

/** One scan descends an index again and again (PostgreSQL 18 counts it): for a list, or to skip over its first column. */
export const indexSearches: PlanRule = {
  id: 'index-searches',
  look({ node, plan }) {
    const searches = (node.figure('Index Searches') ?? 0) / Math.max(1, node.actual?.loops ?? 1);
    if (searches < 100 || searches < 2 * rowsOf(node) || (plan.own(node).share ?? 0) < 0.3) return undefined;
    return {
      severity: 'info',
      message: `The index was searched ${counted(searches)} times in one scan to find ${counted(rowsOf(node))} rows`,
      advice: 'An index that begins with the columns of the condition needs one search.',
    };
  },
};

/** Partitions that were all read, most of them for nothing. */
export const unprunedPartitions: PlanRule = {
  id: 'partitions-not-pruned',
  look({ node }) {
    if (!/^(?:Merge )?Append$/.test(node.type) || neverRun(node)) return undefined;
    const scans = inputsOf(node).filter(({ type, relation }) => type.endsWith('Scan') && relation !== undefined);
    if (scans.length < 10 || new Set(scans.map(({ relation }) => relation)).size < scans.length) return undefined;
    const run = scans.filter((scan) => wasRun(scan));
    const empty = run.filter((scan) => rowsOf(scan) === 0).length;
    const filtered = scans.filter(({ filter, indexCond }) => filter !== undefined || indexCond !== undefined);
    if (run.length > 0 ? empty < run.length * 0.8 || empty < 8 : filtered.length < scans.length || scans.length < 20)
      return undefined;
    const message =
      run.length > 0
        ? `${empty} of ${run.length} partitions were read for nothing`
        : `All ${scans.length} partitions are read`;
    return {
      severity: run.length > 0 ? 'warning' : 'info',
      message,
      advice:
        'A condition on the partition key, compared with a constant or parameter, lets the planner leave partitions out.',
    };
  },
};

/** Much came from outside of shared buffers. */
export const coldReads: PlanRule = {
  id: 'cold-reads',
  look({ node, plan }) {
    const own = plan.own(node).buffers;
    if (!own || own.sharedRead < 2000 || own.sharedRead < own.sharedHit) return undefined;
    const readMs = node.figure('Shared I/O Read Time') ?? node.figure('I/O Read Time');
    const share = own.sharedRead / (own.sharedRead + own.sharedHit);
    return {
      severity: 'info',
      message: `${percent(share)} of its pages (${size(own.sharedRead * 8192)}) came from outside of shared buffers${readMs === undefined ? '' : ', and waiting for them is part of its time'}`,
      advice:
        'Run it again to see it warm; if it is always cold, it reads more than fits: read less of it, or give shared_buffers more memory.',
    };
  },
};

/** Rows of the table that a node scans; `undefined` when it is not known or two tables have that name. */
function tableRows(node: PlanNode, { tables = [] }: PlanContext): number | undefined {
  const found = tables.filter(
    ({ schema, name }) => name === node.relation && (node.schema === undefined || schema === node.schema),
  );
  const [table] = found;
  return found.length === 1 && table ? (table.estimatedRows ?? table.liveRows) : undefined;
}
