/** What the catalog and its statistics say of a column. */
export interface ColumnModel {
  name: string;
  number: number;
  /** As SQL: `character varying(20)`. */
  type: string;
  /** Name of the type, of a domain the one beneath: `text`, `int4`, `jsonb`, `_text`. */
  baseType: string;
  /** PostgreSQL's `typcategory`: `A` array, `S` string, `N` number, `R` range, … */
  category: string;
  /** Values have an order that a B-tree can keep. */
  orderable: boolean;
  /** Strings are compared byte by byte, so that a plain B-tree finds prefixes. */
  bytewise: boolean;
  notNull: boolean;
  /** Of the table's statistics; `null` when there are none, or none that we may read. */
  statistics: ColumnStatistics | null;
}

export interface ColumnStatistics {
  /** Number of different values. */
  distinct: number;
  /** −1 to 1: how far the order of rows follows that of values; `null` for types without order. */
  correlation: number | null;
  /** Share of rows that are NULL, 0–1. */
  nulls: number;
  /** Bytes of a value on average. */
  width: number;
  /** Shares of the most frequent values, by their text. */
  common: ReadonlyMap<string, number>;
}

export interface ExistingKey {
  /** As pg_get_indexdef writes it. */
  expression: string;
  /** The column, when it is one. */
  column: string | undefined;
  descending: boolean;
  nullsFirst: boolean;
  /** Operator class, when it is not the type's default. */
  operatorClass: string | undefined;
  /** Collation, when it is not the column's. */
  collation: string | undefined;
}

export interface ExistingIndex {
  oid: number;
  schema: string;
  name: string;
  method: string;
  keys: readonly ExistingKey[];
  include: readonly string[];
  /** Predicate of a partial index, as pg_get_expr writes it. */
  where: string | undefined;
  unique: boolean;
  valid: boolean;
  bytes: number;
  /** Needed by a constraint, a foreign key, the replica identity, as part of a partitioned index: why it must stay. */
  neededFor: string | undefined;
  definition: string;
}

/** Rows that were written since statistics were counted. */
export interface WriteCounters {
  inserts: number;
  updates: number;
  deletes: number;
  hotUpdates: number;
}

export type TableKind = 'table' | 'partitioned' | 'materialized view' | 'view' | 'foreign' | 'other';

export interface Partition {
  oid: number;
  /** The table that it is a partition of, directly. */
  parent: number;
  schema: string;
  name: string;
  /** It has partitions itself, and no rows. */
  partitioned: boolean;
  foreign: boolean;
}

export interface TableModel {
  oid: number;
  schema: string;
  name: string;
  kind: TableKind;
  /** `p` permanent, `u` unlogged, `t` temporary. */
  persistence: string;
  /** Of a partitioned table, at every level, parents first. */
  partitions: readonly Partition[];
  /** It is a partition of another table. */
  isPartition: boolean;
  /** Of all its partitions together, for a partitioned table. */
  rows: number;
  pages: number;
  columns: readonly ColumnModel[];
  indexes: readonly ExistingIndex[];
  writes: WriteCounters;
  /** The query of a view or materialised view. */
  definition: string | undefined;
}

export interface ForeignKey {
  name: string;
  /** The referring table. */
  child: number;
  childColumns: readonly string[];
  parent: number;
  parentColumns: readonly string[];
}

/** An operator class of a method other than B-tree, and what it can search by. */
export interface OperatorClass {
  method: string;
  /** As SQL, with its schema where it is not pg_catalog. */
  name: string;
  isDefault: boolean;
  /** Name of the type that it indexes: `jsonb`, `anyarray`, `anyrange`. */
  type: string;
  /** Operators of conditions: `@>`, `?`. */
  searches: ReadonlySet<string>;
  /** Operators of distance that it can order by: `<->`. */
  orders: ReadonlySet<string>;
}

/** All that is known of the tables of a workload. */
export interface DatabaseModel {
  tables: ReadonlyMap<number, TableModel>;
  foreignKeys: readonly ForeignKey[];
  operatorClasses: readonly OperatorClass[];
  /** Since when the counters of `writes` count; `null` when unknown. */
  countedSince: Date | null;
  /** Names of the relations in the schemas of the tables: new indexes must not take them. */
  takenNames: ReadonlySet<string>;
  blockSize: number;
  /** search_path of the role, `"$user"` resolved. */
  searchPath: readonly string[];
  gaps: readonly { subject: string; reason: string; fix: string | null }[];
}
