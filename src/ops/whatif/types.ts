/** One key of an index: a column or an expression, and how it is ordered. */
export interface IndexKey {
  /** A quoted column name, or an expression in parentheses, as CREATE INDEX takes it. */
  expression: string;
  /** Collation, as SQL; the column's own by default. */
  collation?: string;
  /** Operator class, as SQL: `text_pattern_ops`, `jsonb_path_ops`; the type's default when left out. */
  operatorClass?: string;
  descending?: boolean;
  /** As in PostgreSQL, NULLs come last in ascending and first in descending order when left out. */
  nulls?: 'first' | 'last';
}

export type IndexMethod = 'btree' | 'hash' | 'gin' | 'gist' | 'brin';

/** An index that does not exist on the watched database, but might. */
export interface HypotheticalIndex {
  /** Names it within what-if planning: what plans call it. Stable, unique, at most 63 bytes. */
  id: string;
  schema: string;
  table: string;
  method: IndexMethod;
  keys: readonly IndexKey[];
  /** Column names (not quoted) that are carried along for index-only scans. */
  include: readonly string[];
  /** Predicate of a partial index, as SQL. */
  where?: string;
}

/** An index of the watched database. */
export interface IndexName {
  schema: string;
  name: string;
}

/** The indexes under which a statement is planned: those of the database, some more, without some. */
export interface IndexSet {
  add?: readonly HypotheticalIndex[];
  hide?: readonly IndexName[];
}

export interface WhatIfStatement {
  /** One SELECT, INSERT, UPDATE, DELETE, MERGE or VALUES; `$1` may stand for values. */
  text: string;
  /**
   * Values of `$1`, `$2`, … as text, `null` for NULL: the statement is planned with them. Without them it is planned generically.
   */
  parameters?: readonly (string | null)[];
  /** search_path under which names are resolved; the role's own by default. */
  searchPath?: string;
}

export interface WhatIfPlan {
  /** The planner's total cost, in its own unit. */
  cost: number;
  /** EXPLAIN (FORMAT JSON): the object with `Plan`. */
  plan: unknown;
  /** Ids of the hypothetical indexes that the plan uses. */
  uses: readonly string[];
  /** Indexes of the database that the plan uses. */
  usesExisting: readonly IndexName[];
}

/** Something of the watched database that what-if planning does without, and why. */
export interface WhatIfGap {
  /** `extension postgis`, `statistics of public.orders`. */
  subject: string;
  reason: string;
  /** A GRANT or a sentence; `null` when nothing can be done. */
  fix: string | null;
}

/**
 * Plans statements as the watched database would under other indexes. Two backends fulfil it: the planner twin and HypoPG.
 */
export interface WhatIf extends AsyncDisposable {
  readonly backend: 'twin' | 'hypopg';
  readonly gaps: readonly WhatIfGap[];
  /**
   * Plans one statement. Safe to call many times at once; calls are served one after the other.
   * @throws {PitcrewError} `E_QUERY` (PostgreSQL's error, with SQLSTATE), `E_UNSUPPORTED` (what has no plan, an index that this
   * backend cannot imagine).
   */
  plan(statement: WhatIfStatement, indexes?: IndexSet): Promise<WhatIfPlan>;
  /** How large the index would be, in bytes. Throws as `plan` does. */
  size(index: HypotheticalIndex): Promise<number>;
  /** Ends it and removes what it made: the twin's directory stays only where it was asked to. */
  close(): Promise<void>;
}
