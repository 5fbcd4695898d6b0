/** What a statement does first of all. `several` is a text with more than one, `unknown` one that the parser refuses. */
export type StatementKind =
  | 'select'
  | 'insert'
  | 'update'
  | 'delete'
  | 'merge'
  | 'transaction'
  | 'session'
  | 'copy'
  | 'explain'
  | 'call'
  | 'definition'
  | 'maintenance'
  | 'several'
  | 'empty'
  | 'unknown';

export interface TableName {
  /** `undefined` when search_path decides. */
  schema: string | undefined;
  name: string;
}

/**
 * What a statement's text says of it. Nothing is asked of a server, so what the text leaves open counts as the more careful
 * answer: a function that is not known to be harmless makes it a write, a text that cannot be parsed as well.
 */
export interface StatementDescription {
  kind: StatementKind;
  /** It changes nothing, whatever the server holds: a replica may run it, and it may be run again. */
  readOnly: boolean;
  /**
   * It changes the session or depends on what an earlier statement left there (SET, LISTEN, temporary tables, session advisory locks,
   * PREPARE, cursors, BEGIN … COMMIT, currval, functions that are not known): it must not share a connection with other callers.
   */
  session: boolean;
  /** One statement that the extended protocol can run, with its result as a whole: no COPY to or from the client, no several. */
  single: boolean;
  /** Tables and views named by it, common table expressions apart. */
  read: readonly TableName[];
  written: readonly TableName[];
  /** The same for statements that pg_stat_statements counts together. Hexadecimal digits. */
  fingerprint: string;
  /** The text with its constants replaced by `$1`, `$2` …, for people and for logs; never a value in it. */
  normalized: string;
  /** Why it counts as a write or as bound to its session although it looks harmless; for explanations. */
  reason: string | undefined;
}
