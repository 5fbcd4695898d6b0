/** A column of a table, or an expression over columns of that table alone: what a key of an index can be. */
export interface Operand {
  /** A column's name, quoted where it must be, or an expression, as SQL without any alias. */
  sql: string;
  /** The column, not quoted, when it is nothing else. */
  column: string | undefined;
  /** Every column in it, not quoted. */
  columns: readonly string[];
}

/** What a condition asks of its operand. */
export type ConditionKind =
  /** `=`; of a row comparison each of its columns. */
  | 'equal'
  /** IN (…) of values, `= ANY (array)`. */
  | 'in'
  /** `<`, `<=`, `>`, `>=`, BETWEEN. */
  | 'range'
  | 'null'
  | 'not null'
  /** A column of booleans by itself, or IS TRUE. */
  | 'true'
  | 'false'
  /** `<>`, NOT IN: of use to a partial index only. */
  | 'unequal'
  /** LIKE 'abc%', `^@`, starts_with(). */
  | 'prefix'
  /** LIKE with a pattern that is not in the text. */
  | 'like'
  /** LIKE '%abc%', ILIKE, SIMILAR TO and regular expressions. */
  | 'pattern'
  /** Any other operator: `@>`, `&&`, `?`, `@@`, `<<`. */
  | 'operator';

/** What an operand is compared with. */
export type ComparedWith =
  /** Constants in the text. */
  | 'constant'
  /** `$1` and what is computed of parameters and constants. */
  | 'value'
  /** An operand of another table. */
  | 'join'
  /** Something else: a sub-query's result, a function of another table's columns. */
  | 'other';

/** One condition that rows of a table must meet, as far as an index could help to find them. */
export interface Condition {
  kind: ConditionKind;
  operand: Operand;
  /** As written, without schema: `=`, `@>`, `~~`. */
  operator: string;
  with: ComparedWith;
  /** The condition as SQL over the table alone, when it holds constants only: a partial index's predicate. */
  constant: string | undefined;
  /** Number of `$n`, when it is compared with one parameter. */
  parameter: number | undefined;
  /** With `join`: what it is compared with. */
  other: { use: number; operand: Operand } | undefined;
  /** Of a comparison of rows, `(a, b) > ($1, $2)`: all its operands in order, this one first. */
  row: readonly Operand[] | undefined;
}

export interface OrderKey {
  operand: Operand;
  descending: boolean;
  /** Where NULLs are asked to be; PostgreSQL's default for the direction when left out. */
  nulls: 'first' | 'last' | undefined;
  /** `<->` and the like: ordered by the distance from a value. */
  distance: string | undefined;
}

/** One place in a statement, at any level of it, where a table's rows are read. */
export interface TableUse {
  /** Its place in `uses`. */
  number: number;
  schema: string;
  table: string;
  /** Conditions that all rows must meet. */
  conditions: readonly Condition[];
  /** Of every OR: conditions of its branches, each enough by itself for an index that finds that branch's rows. */
  alternatives: readonly (readonly Condition[])[];
  /** Orders that are asked for (ORDER BY, DISTINCT ON, windows): the leading keys that are of this table. */
  orders: readonly (readonly OrderKey[])[];
  /** Keys of GROUP BY and DISTINCT, where all are of this table. */
  groups: readonly (readonly Operand[])[];
  /** Operands of min() and max() where nothing is grouped. */
  extremes: readonly OrderKey[];
  /** Only the first rows are wanted: LIMIT, FETCH FIRST. */
  limited: boolean;
  /** Columns that the statement reads of it; `undefined` when it reads whole rows or changes them. */
  columns: readonly string[] | undefined;
}

/** How a statement changes a table. */
export interface TableWrite {
  schema: string;
  table: string;
  by: 'insert' | 'update' | 'delete';
  /** Columns that an UPDATE sets. */
  columns: readonly string[];
}

export interface Predicates {
  uses: readonly TableUse[];
  writes: readonly TableWrite[];
}

/** What a statement asks of its tables, or why that cannot be told. */
export type PredicatesAnswer =
  | { readonly predicates: Predicates; readonly reason?: never }
  | { readonly predicates?: never; readonly reason: string };

/** A table or view as the catalog knows it. */
export interface ResolvedRelation {
  schema: string;
  name: string;
  columns: readonly string[];
  /** The query of a view. */
  definition?: string;
}

/** Knows which table a name means. */
export interface RelationResolver {
  /** @returns `undefined` for what is no table or view, or not known. */
  relation(schema: string | undefined, name: string): ResolvedRelation | undefined;
}
