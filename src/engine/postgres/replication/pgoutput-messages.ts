/** A column of a table, as the stream describes it. */
export interface RelationColumn {
  readonly name: string;
  readonly typeOid: number;
  /** Part of the replica identity. */
  readonly key: boolean;
}

/** A table, as the stream describes it before the first change of it and after changes of its definition. */
export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `d` primary key, `i` an index, `f` all columns, `n` none. */
  readonly replicaIdentity: string;
  readonly columns: readonly RelationColumn[];
}

/**
 * Values of a row as texts, by the position of their columns. `undefined`: not sent, because it was not changed and is
 * stored apart, or not asked for.
 */
export type TupleValues = readonly (string | null | undefined)[];

/**
 * What the output plugin `pgoutput` sends (protocol versions 1 to 4, without streaming of transactions under way and
 * without two-phase commit). Transactions come whole, one after the other, in the order of their commits.
 */
export type PgoutputMessage =
  /** `xid`: of the top-level transaction, its lower 32 bits. Those of subtransactions are not told. */
  | { readonly kind: 'begin'; readonly xid: number; readonly commitLsn: bigint }
  | { readonly kind: 'commit'; readonly commitLsn: bigint; readonly endLsn: bigint }
  | { readonly kind: 'origin'; readonly name: string }
  | { readonly kind: 'relation'; readonly relation: Relation }
  | { readonly kind: 'type'; readonly oid: number; readonly schema: string; readonly name: string }
  | { readonly kind: 'insert'; readonly oid: number; readonly added: TupleValues }
  /** `old`: the key before, when it was changed; the whole row with `REPLICA IDENTITY FULL`. */
  | {
      readonly kind: 'update';
      readonly oid: number;
      readonly old: TupleValues | undefined;
      readonly added: TupleValues;
    }
  | { readonly kind: 'delete'; readonly oid: number; readonly old: TupleValues }
  | { readonly kind: 'truncate'; readonly oids: readonly number[] }
  /** What `pg_logical_emit_message` wrote. Those that are not transactional come between transactions, or within one. */
  | { readonly kind: 'message'; readonly transactional: boolean; readonly prefix: string; readonly content: string };
