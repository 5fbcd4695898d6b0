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

/** A table or view whose rows a statement changes, and one way in which it does. */
export interface TableChange extends TableName {
  /** `truncate cascade` empties the tables that refer to it as well; `refresh` is of a materialised view. */
  by: 'insert' | 'update' | 'delete' | 'truncate' | 'truncate cascade' | 'refresh';
  /** `ONLY`: its children are left out. */
  only: boolean;
}

/** What running a statement does, for those who know the server's catalog. Names as written, each once. */
export interface StatementEffects {
  changes: readonly TableChange[];
  /** As `read` of the statement, where it is run. */
  reads: readonly TableName[];
  /** All that it calls by name, harmless or not: `['lower']`, `['app', 'visible_to']`. */
  functions: readonly (readonly string[])[];
  /** Without those that keywords stand for: IN, CASE, USING. */
  operators: readonly (readonly string[])[];
  /** Last names of `x.name`: columns mostly, but a function of the row is written so too. */
  fields: readonly string[];
  /** Types that it names: `['app', 'mood']`. */
  types: readonly (readonly string[])[];
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
  /** What it changes and calls; `undefined` when the text does not tell: definitions, CALL, DO, EXECUTE, and what is `unknown`. */
  effects: StatementEffects | undefined;
  /** The same for statements that pg_stat_statements counts together. Hexadecimal digits. */
  fingerprint: string;
  /** The text with its constants replaced by `$1`, `$2` …, for people and for logs; never a value in it. */
  normalized: string;
  /** Why it counts as a write or as bound to its session although it looks harmless; for explanations. */
  reason: string | undefined;
}
