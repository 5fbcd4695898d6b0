import type { Skipped } from './skipped.ts';

/** pg_stat_statements, as far as it is there. */
export interface StatementsSupport {
  usable: boolean;
  /** Extension version in this database: `1.11`. */
  version: string | null;
  schema: string;
  /** Output columns of the function. */
  columns: ReadonlySet<string>;
  /** pg_stat_statements_info exists. */
  hasInfo: boolean;
  max: number | null;
  track: string | null;
  trackPlanning: boolean | null;
  /** The statement that brings the extension up to date; `null` when it is. */
  update: string | null;
  /** Why it is not usable. */
  skipped: Skipped[];
}
