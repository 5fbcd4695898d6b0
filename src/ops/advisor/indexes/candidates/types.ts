import type { TableUse, TableWrite } from '../../../../sql/index.ts';
import type { HypotheticalIndex } from '../../../whatif/index.ts';
import type { WorkloadStatement } from '../../workload/types.ts';
import type { TableModel } from '../model/types.ts';

/** A table's use in a statement, with what is known of the table. */
export interface KnownUse {
  use: TableUse;
  table: TableModel;
}

/** A statement with what it asks of its tables. */
export interface AnalysedStatement {
  statement: WorkloadStatement;
  uses: readonly KnownUse[];
  writes: readonly TableWrite[];
}

/** An index that might be of use. */
export interface Candidate {
  index: HypotheticalIndex;
  table: TableModel;
  /** Every column that it stores or depends on: an UPDATE of one of them cannot be HOT. */
  columns: readonly string[];
  /** Columns that are part of keys, when all keys are plain columns in the B-tree's own order: what may be prefix-compared. */
  reason: string;
}

export interface CandidateLimits {
  /** Candidates that one use of a table gives at most. */
  perUse: number;
  perTable: number;
  total: number;
  /** Tables of fewer pages are read as a whole as quickly. */
  smallestPages: number;
  /** Bytes of the values that a covering index carries along, on average. */
  widestInclude: number;
  /** Share of the rows above which a partial index is not worth its condition. */
  widestPartial: number;
  /** Tables of fewer pages get no BRIN index. */
  brinPages: number;
}

export const candidateLimits: CandidateLimits = Object.freeze({
  perUse: 40,
  perTable: 250,
  total: 5000,
  smallestPages: 12,
  widestInclude: 96,
  widestPartial: 0.4,
  brinPages: 2000,
});
