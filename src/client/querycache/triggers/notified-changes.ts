import { keyOf, type Keys } from '../fence/index.ts';
import type { Change } from '../stream/index.ts';
import { signature } from './trigger-function.ts';

/** What one statement has changed in one table, as its trigger tells it. */
interface Notified {
  xid: number;
  table: number;
  /** Of several columns, each key is a list in JSON. */
  keys: readonly unknown[] | 'all' | 'truncated';
  /** Which columns the keys are of. */
  columns: unknown;
}

/** A table in which a statement that names another, or itself, may have changed rows. */
export interface Member {
  readonly oid: number;
  readonly keyColumns: readonly string[] | undefined;
  /** Its triggers are as they should be. */
  readonly complete: boolean;
}

/**
 * Makes changes out of what triggers tell: one for each notification. The triggers of a table that has partitions or heirs tell by its
 * name what was changed in those, so that a change is told of all of them.
 */
export class NotifiedChanges {
  readonly #keysPerTable: number;
  #families: ReadonlyMap<number, readonly Member[]> = new Map();
  #xid = 0;
  /** How many keys of a table were told for this transaction. */
  readonly #told = new Map<number, number>();

  constructor(keysPerTable: number) {
    this.#keysPerTable = keysPerTable;
  }

  /** Which tables a notification concerns, from now on: by the table that it names, which is among them. */
  set families(families: ReadonlyMap<number, readonly Member[]>) {
    this.#families = families;
  }

  /** @returns the change; `undefined` when the payload is none of our triggers': anyone may notify. */
  read(payload: string): Change | undefined {
    const notified = parse(payload);
    if (!notified) return undefined;
    const { xid, table, keys, columns } = notified;
    if (xid !== this.#xid) this.#told.clear();
    this.#xid = xid;
    if (keys === 'truncated') return { xid, tables: new Map([[table, 'all']]), truncated: [table], ddl: false };
    const family = this.#families.get(table) ?? [{ oid: table, keyColumns: undefined, complete: false }];
    const named = family.find(({ oid }) => oid === table);
    const keyColumns = keys === 'all' || !named?.keyColumns ? undefined : named.keyColumns;
    const known = keyColumns !== undefined && signature(keyColumns) === columns;
    const told = known && keys !== 'all' ? this.#keys(table, keys, keyColumns.length) : 'all';
    const tables = new Map(
      family.map((member) => [member.oid, alike(member.keyColumns, keyColumns) ? told : 'all'] as const),
    );
    // Somebody has made its triggers anew, for other columns.
    const ddl = keys !== 'all' && named?.complete === true && !known;
    return { xid, tables, truncated: [], ddl };
  }

  #keys(table: number, texts: readonly unknown[], columns: number): Keys {
    const keys = new Set<string>();
    for (const text of texts) {
      const key = keyIn(text, columns);
      if (key === undefined) return 'all';
      keys.add(key);
    }
    const told = (this.#told.get(table) ?? 0) + keys.size;
    this.#told.set(table, told);
    return told > this.#keysPerTable ? 'all' : keys;
  }
}

function parse(payload: string): Notified | undefined {
  const values = listIn(payload);
  const [xid, table, keys, columns] = values ?? [];
  if (!isWhole(xid) || !isWhole(table)) return undefined;
  return keys === 'all' || keys === 'truncated' || Array.isArray(keys) ? { xid, table, keys, columns } : undefined;
}

function keyIn(text: unknown, columns: number): string | undefined {
  if (typeof text !== 'string') return undefined;
  if (columns === 1) return keyOf([text]);
  const values = listIn(text);
  return values?.length === columns && values.every((value) => typeof value === 'string') ? keyOf(values) : undefined;
}

function listIn(text: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}

function alike(one: readonly string[] | undefined, other: readonly string[] | undefined): boolean {
  return one !== undefined && one.length === other?.length && one.every((column, at) => column === other[at]);
}
