import type { PlanNode } from '../tree/types.ts';
import { about, counted, size, workMem } from '../words.ts';
import { inputsOf, wasRun } from './figures.ts';
import type { Found, PlanRule } from './rule.ts';

const kilobyte = 1024;
/** Rows take more room in memory than on disk: with their headers about two and a half times as much. */
const memoryOverDisk = 2.5;
const defaultMultiplier = 2;

/** A sort that is larger than work_mem goes to disk. Under a Limit only the first rows are kept, in memory. */
export const spillingSort: PlanRule = {
  id: 'sort-spill',
  look({ node, parent, context: { workMemBytes } }) {
    if (node.type !== 'Sort' && node.type !== 'Incremental Sort') return undefined;
    if (wasRun(node)) {
      if (node.text('Sort Space Type') !== 'Disk') return undefined;
      const bytes = (node.figure('Sort Space Used') ?? 0) * kilobyte;
      return {
        severity: 'warning',
        message: `The sort went to disk with ${size(bytes)}`,
        advice: `An index in this order spares the sort; else work_mem = '${workMem(bytes * memoryOverDisk)}' holds it in memory.`,
      };
    }
    if (node.type !== 'Sort' || parent?.type === 'Limit') return undefined;
    return expectedSpill(
      node,
      workMemBytes,
      'Sorts',
      'An index in this order spares the sort; else raise work_mem for this statement.',
    );
  },
};

/** A hash table that is larger than work_mem × hash_mem_multiplier is written to disk in parts. */
export const spillingHash: PlanRule = {
  id: 'hash-spill',
  look({ node, context: { workMemBytes, hashMemMultiplier = defaultMultiplier } }) {
    if (node.type !== 'Hash') return undefined;
    const limit = workMemBytes === undefined ? undefined : workMemBytes * hashMemMultiplier;
    if (!wasRun(node)) {
      return expectedSpill(
        node,
        limit,
        'Hashes',
        'Fewer rows or columns here would fit into memory; else raise work_mem for this statement.',
      );
    }
    const batches = node.figure('Hash Batches') ?? 1;
    if (batches < 2) return undefined;
    const original = node.figure('Original Hash Batches') ?? batches;
    const bytes = batches * (node.figure('Peak Memory Usage') ?? 0) * kilobyte;
    const grown = original < batches ? ` instead of the ${counted(original)} that were planned` : '';
    return {
      severity: 'warning',
      message: `The hash table was too large for memory and went through disk in ${counted(batches)} parts${grown}`,
      advice: `Fewer rows or columns here would fit; else work_mem = '${workMem(bytes / hashMemMultiplier)}' holds it in memory.`,
    };
  },
};

/** Groups that do not fit are written to disk. */
export const spillingAggregate: PlanRule = {
  id: 'aggregate-spill',
  look({ node, context: { workMemBytes, hashMemMultiplier = defaultMultiplier } }) {
    if (node.type !== 'Aggregate' || node.strategy !== 'Hashed') return undefined;
    const limit = workMemBytes === undefined ? undefined : workMemBytes * hashMemMultiplier;
    if (!wasRun(node)) {
      return expectedSpill(
        node,
        limit,
        'Groups into',
        'Fewer rows or columns here would fit into memory; else raise work_mem for this statement.',
      );
    }
    const disk = (node.figure('Disk Usage') ?? 0) * kilobyte;
    if (disk === 0) return undefined;
    const memory = (node.figure('Peak Memory Usage') ?? 0) * kilobyte;
    return {
      severity: 'warning',
      message: `Grouping went to disk with ${size(disk)}`,
      advice: `work_mem = '${workMem((memory + disk * memoryOverDisk) / hashMemMultiplier)}' holds the groups in memory; else filter before grouping.`,
    };
  },
};

function expectedSpill(node: PlanNode, limit: number | undefined, verb: string, advice: string): Found | undefined {
  const bytes = (node.rows ?? 0) * (node.width ?? 0);
  if (limit === undefined || bytes <= limit) return undefined;
  return {
    severity: 'warning',
    message: `${verb} about ${about(node.rows ?? 0)} rows of ${node.width} bytes (${size(bytes)}), more than the ${size(limit)} it may use: it will go to disk`,
    advice,
  };
}

/** What other nodes write to temporary files: materialised rows, CTEs, window frames. */
export const temporaryFiles: PlanRule = {
  id: 'temporary-files',
  look({ node, plan }) {
    const own = plan.own(node).buffers;
    const blocks = own ? own.tempRead + own.tempWritten : 0;
    const told = /Sort|Hash|Aggregate/.test(node.type) || inputsOf(node).some(({ type }) => type === 'Hash');
    if (told || blocks < 128) return undefined;
    return {
      severity: 'warning',
      message: `Keeps its rows in temporary files: ${size(blocks * 8192)} written and read`,
      advice: 'Fewer rows or columns here would fit into memory; else raise work_mem for this statement.',
    };
  },
};
