import type { StatementRecord } from './record.ts';

/** A question that goes before a statement, on the same connection and outside of a transaction. */
export interface Preface {
  /** Gives one row, whose last column is `pg_backend_pid()`. */
  readonly text: string;
  readonly values: readonly unknown[];
  /**
   * Told before the statement is answered, and anew when that is sent again.
   * @param row as texts; `undefined` when there is no answer, or when a pooler in between may have asked another session
   */
  answered(row: readonly (string | null)[] | undefined): void;
}

/** A preface on its way. */
export interface PrefaceStatement extends Preface {
  readonly record: StatementRecord;
}
