import type { Equality, FixedValue, References } from '../../../sql/index.ts';
import { type Catalog, firstUserOid, type KeyColumn, type KeyKind, type Relation } from './catalog/index.ts';
import type { Closure } from './closure.ts';
import type { Names } from './names.ts';

/** A column of a key, and the value that it has in all rows of the result. */
export interface PinnedColumn extends KeyColumn {
  readonly value: FixedValue;
}

/** The result was made of the row with this key alone, so that only a change of that row concerns it. */
export interface Pin {
  /** The table that is named; its rows may be in partitions, which are among the dependencies' tables. */
  readonly table: number;
  /** All columns of the replica identity, in the order of the table. */
  readonly columns: readonly PinnedColumn[];
}

/** The key that a statement pins, if it depends on one table and no other. */
export function pinOf(
  references: References,
  relation: Relation,
  catalog: Catalog,
  names: Names,
  closure: Closure,
): Pin | undefined {
  const { equalities } = references;
  const identity = catalog.identityOf(relation.oid);
  if (closure.readsWithin || !equalities || !identity || !isPlain(relation) || redefinesEqual(names)) return undefined;
  const family = familyOf(
    relation,
    references.relations.every(({ only }) => only),
    catalog,
  );
  if (family.size !== closure.tables.size || ![...closure.tables].every((oid) => family.has(oid))) return undefined;
  const sameKey = [...family].every((oid) => {
    const key = catalog.identityOf(oid);
    return key && JSON.stringify(key) === JSON.stringify(identity);
  });
  if (!sameKey) return undefined;
  const columns: PinnedColumn[] = [];
  for (const column of identity) {
    const equality = equalities.find((each) => each.column === column.name && fits(each, column.kind, names));
    if (!equality) return undefined;
    columns.push({ ...column, value: equality.value });
  }
  return { table: relation.oid, columns };
}

function isPlain({ kind }: Relation): boolean {
  return kind === 'r' || kind === 'p';
}

function familyOf({ oid }: Relation, only: boolean, catalog: Catalog): Set<number> {
  const family = new Set([oid]);
  if (!only) for (const member of family) for (const child of catalog.childrenOf(member)) family.add(child);
  return family;
}

/** Somebody made an operator = for built-in types, which the statement may mean. */
function redefinesEqual(names: Names): boolean {
  return names
    .operators(['='])
    .some(({ schema, left, right }) => schema !== 'pg_catalog' && left < firstUserOid && right < firstUserOid);
}

const typesOfKind: Readonly<Record<KeyKind, readonly string[]>> = {
  integer: ['int2', 'int4', 'int8'],
  uuid: ['uuid'],
  text: ['text', 'varchar'],
};

/** Cast to a type of its own kind, or not cast. */
function fits({ cast }: Equality, kind: KeyKind, names: Names): boolean {
  if (!cast) return true;
  const type = names.type(cast);
  return type !== undefined && type.schema === 'pg_catalog' && typesOfKind[kind].includes(type.name);
}

/**
 * The key as the change stream writes it (PostgreSQL's text output), column by column; `undefined` when a value's text
 * cannot be told: then any change of the table concerns the result.
 */
export function pinnedKey(pin: Pin, parameters: readonly unknown[]): string[] | undefined {
  const values: string[] = [];
  for (const { kind, value } of pin.columns) {
    const text = canonical(kind, value.kind === 'constant' ? value.value : parameters[value.number - 1]);
    if (text === undefined) return undefined;
    values.push(text);
  }
  return values;
}

function canonical(kind: KeyKind, value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') return undefined;
  const text = String(value);
  // The driver writes another character for each half of a pair that stands alone.
  if (kind === 'text') return text.isWellFormed() ? text : undefined;
  if (kind === 'integer')
    return /^\s*[-+]?\d{1,19}\s*$/.test(text) ? BigInt(text.trim().replace(/^\+/, '')).toString() : undefined;
  const [, digits] = /^(?:\{([-\da-f]+)\}|[-\da-f]+)$/i.exec(text) ?? [];
  const hex = (digits ?? text).replaceAll('-', '').toLowerCase();
  return /^[\da-f]{32}$/.test(hex) ? hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') : undefined;
}
