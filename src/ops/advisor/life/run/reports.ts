import type { IndexAdvice } from '../../indexes/index.ts';
import type { CheckAnswer } from '../../types.ts';

/** What checks answered in a run, as the store keeps it. */
export interface CheckReport {
  answers: {
    check: string;
    title: string;
    status: CheckAnswer['status'];
    findings: number;
    /** Found beside those, and not listed. */
    more?: number;
    message: string;
    ms: number;
  }[];
}

/** A choice of indexes, as the store keeps it: the advice without its findings, which are advice of their own. */
export interface IndexReport extends Omit<IndexAdvice, 'indexes' | 'drops' | 'findings'> {
  backend: 'twin' | 'hypopg';
  /** Where the workload is from, and which share of the measured time it covers. */
  workload: { source: string; coverage: number; statements: number };
  indexes: { key: string; name: string; schema: string; table: string; sizeBytes: number; workloadShare: number }[];
}
