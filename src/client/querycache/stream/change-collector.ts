import {
  changedTable,
  decodePgoutput,
  type Relation,
  type TupleValues,
  widenXid,
} from '../../../engine/postgres/replication/index.ts';
import { keyOf } from '../fence/index.ts';
import type { Change } from './types.ts';

export interface CollectorOptions {
  keysPerTable: number;
  /** The columns by which rows are told apart, as far as the catalog said. */
  keyColumns: (oid: number) => readonly string[] | undefined;
  /** A transaction, or a part of one. */
  changed: (change: Change) => void;
  /** A transaction has come to its end: everything before that position is here. */
  committed: (endLsn: bigint) => void;
}

/** By this prefix of a logical message, anyone may tell that definitions have changed: an event trigger, or a migration. */
const definitionPrefix = 'pitcrew:ddl';

interface KnownRelation {
  /** To be compared with what comes later. */
  description: string;
  /** Which columns are the key, by position; `undefined` when rows cannot be told apart. */
  wanted: readonly boolean[] | undefined;
}

/**
 * Makes changes out of the messages of `pgoutput`. Holds no rows: of a transaction it keeps the tables and a bounded number of keys,
 * and what goes beyond is told before the transaction has come to its end. All that comes is committed by then.
 */
export class ChangeCollector {
  readonly #options: CollectorOptions;
  readonly #relations = new Map<number, KnownRelation>();
  /** A transaction known to be recent. */
  #near: number;
  #xid: number | undefined;
  #tables = new Map<number, Set<string> | 'all'>();
  #truncated: number[] = [];
  #ddl = false;
  readonly #wanted = (oid: number): readonly boolean[] => this.#relations.get(oid)?.wanted ?? [];

  /** @param near a transaction known to be recent, in full. */
  constructor(near: number, options: CollectorOptions) {
    this.#near = near;
    this.#options = options;
  }

  /** A transaction has begun to come, and has not ended yet. */
  get inTransaction(): boolean {
    return this.#xid !== undefined;
  }

  /** Takes one message, which begins at `at`. */
  message(bytes: Buffer, at: number): void {
    const table = changedTable(bytes, at);
    // Most of what a large transaction sends: there is nothing more to learn.
    if (table !== undefined && this.#tables.get(table) === 'all') return;
    const message = decodePgoutput(bytes, at, this.#wanted);
    switch (message.kind) {
      case 'begin':
        this.#xid = this.#near = widenXid(message.xid, this.#near);
        break;
      case 'insert':
        this.#rows(message.oid, message.added);
        break;
      case 'update':
        this.#rows(message.oid, message.added, message.old);
        break;
      case 'delete':
        this.#rows(message.oid, message.old);
        break;
      case 'truncate':
        this.#truncated.push(...message.oids);
        for (const oid of message.oids) this.#tables.set(oid, 'all');
        break;
      case 'relation':
        this.#relation(message.relation);
        break;
      case 'message':
        if (message.prefix === definitionPrefix) this.#ddl = true;
        // One that is not transactional may come between transactions.
        if (this.#xid === undefined) this.#tell(this.#near);
        break;
      case 'commit':
        this.#tell(this.#xid ?? this.#near);
        this.#xid = undefined;
        this.#tables.clear();
        this.#options.committed(message.endLsn);
        break;
      case 'origin':
      case 'type':
        break;
    }
  }

  #rows(oid: number, ...tuples: (TupleValues | undefined)[]): void {
    const wanted = this.#relations.get(oid)?.wanted;
    let keys = this.#tables.get(oid);
    if (keys === 'all') return;
    if (!keys) this.#tables.set(oid, (keys = new Set()));
    for (const tuple of tuples) {
      if (!tuple) continue;
      const key = wanted && keyIn(tuple, wanted);
      if (key === undefined || (keys.size >= this.#options.keysPerTable && !keys.has(key))) {
        this.#tables.set(oid, 'all');
        // At once: its end may be many rows away.
        if (this.#xid !== undefined) this.#options.changed(this.#change(this.#xid, new Map([[oid, 'all']])));
        return;
      }
      keys.add(key);
    }
  }

  #relation(relation: Relation): void {
    const description = JSON.stringify(relation);
    const known = this.#relations.get(relation.oid);
    const keyColumns = this.#options.keyColumns(relation.oid);
    const wanted = relation.columns.map(({ name }) => keyColumns?.includes(name) === true);
    // Of a table with REPLICA IDENTITY FULL all columns are the key; the rows are told apart by the primary key.
    const asSaid = relation.columns.every(({ key }, at) => key === wanted[at] || relation.replicaIdentity === 'f');
    const whole = asSaid && keyColumns !== undefined && wanted.filter(Boolean).length === keyColumns.length;
    this.#relations.set(relation.oid, { description, wanted: whole ? wanted : undefined });
    const defined = keyColumns !== undefined && !whole;
    if (defined || (known !== undefined && known.description !== description)) {
      this.#ddl = true;
      this.#tables.set(relation.oid, 'all');
    }
  }

  #tell(xid: number): void {
    if (this.#tables.size === 0 && !this.#ddl) return;
    this.#options.changed(this.#change(xid, this.#tables));
    this.#tables = new Map();
    this.#truncated = [];
    this.#ddl = false;
  }

  #change(xid: number, tables: Change['tables']): Change {
    return { xid, tables, truncated: this.#truncated, ddl: this.#ddl };
  }
}

function keyIn(tuple: TupleValues, wanted: readonly boolean[]): string | undefined {
  const values: string[] = [];
  for (let column = 0; column < wanted.length; column++) {
    if (!wanted[column]) continue;
    const value = tuple[column];
    // Not sent, because it is stored apart and was not changed; a key has no nulls.
    if (value === undefined || value === null) return undefined;
    values.push(value);
  }
  return keyOf(values);
}
