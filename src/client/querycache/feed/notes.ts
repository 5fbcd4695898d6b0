import { hash } from 'node:crypto';
import type { Invalidation } from '../../cache/index.ts';
import { type Keys, Snapshot } from '../fence/index.ts';
import type { Closed } from '../stream/index.ts';

/** What the process that reads the changes passes on to the others. */
export type Note =
  /** A new epoch: nothing of before counts. Whoever hears it waits for beats. */
  | { readonly kind: 'open'; readonly epoch: string }
  | { readonly kind: 'changed'; readonly xid: number; readonly tables: ReadonlyMap<number, Keys> }
  /** All that was told to the reader before this snapshot was taken has been passed on. Numbered within its epoch; sent at, on its clock. */
  | {
      readonly kind: 'beat';
      readonly epoch: string;
      readonly number: number;
      readonly snapshot: Snapshot;
      readonly sentAt: number;
    }
  | { readonly kind: 'closed'; readonly why: Closed; readonly reason: string }
  /** An application wants what was read from these tables, or all of it, to be forgotten. By whichever process. */
  | { readonly kind: 'given up'; readonly oids: readonly number[] | 'all' };

/** Longer ones name tables as a whole: tiers need not take any number of characters. */
const mostCharacters = 30_000;
/** A change of more rows of a table is one of all of them, for results that others share. */
const mostKeys = 100;
/** Longer keys are told by their hash. */
const longestKey = 60;

/** Writes a note for the processes that share results of one database. */
export function writeNote(database: string, note: Note): string {
  const text = JSON.stringify([database, note], (_, value: unknown) => {
    if (value instanceof Map) return [...(value as Map<number, Keys>)].map(([oid, keys]) => [oid, keysFor(keys)]);
    return value instanceof Snapshot ? value.toString() : value;
  });
  if (text.length <= mostCharacters || note.kind !== 'changed') return text;
  const whole = new Map([...note.tables.keys()].map((oid) => [oid, 'all'] as const));
  return JSON.stringify([database, { ...note, tables: [...whole] }]);
}

function keysFor(keys: Keys): string[] | 'all' {
  return keys === 'all' || keys.size > mostKeys ? 'all' : [...keys];
}

/** @returns `undefined` for one of another database, or what is none of ours */
export function readNote(database: string, text: string): Note | undefined {
  try {
    const [from, note] = JSON.parse(text) as [
      string,
      Note & { tables?: [number, string[] | 'all'][]; snapshot?: string },
    ];
    if (from !== database) return undefined;
    if (note.kind === 'beat') {
      return { ...note, snapshot: Snapshot.parse(String(note.snapshot)), sentAt: Number(note.sentAt) };
    }
    if (note.kind !== 'changed') return note;
    const tables = (note.tables as unknown as [number, string[] | 'all'][]).map(
      ([oid, keys]) => [oid, keys === 'all' ? keys : new Set(keys)] as const,
    );
    return { kind: 'changed', xid: note.xid, tables: new Map<number, Keys>(tables) };
  } catch {
    return undefined;
  }
}

/** What shared results bear that depend on a table, or on rows of it. */
export function tagsOf(database: string, table: number, keys: readonly string[] | undefined): string[] {
  const name = `${database}:${table}`;
  return keys === undefined ? [name] : [`${name}:*`, ...keys.map((key) => keyTag(name, key))];
}

/** What shared results bear that a change concerns. */
export function invalidationsOf(database: string, tables: ReadonlyMap<number, Keys>): Invalidation[] {
  const tags: string[] = [];
  for (const [table, keys] of tables) {
    const name = `${database}:${table}`;
    tags.push(name);
    if (keys === 'all' || keys.size > mostKeys) tags.push(`${name}:*`);
    else for (const key of keys) tags.push(keyTag(name, key));
  }
  return tags.map((tag) => ({ kind: 'tag', tag }));
}

function keyTag(table: string, key: string): string {
  return `${table}:=${key.length > longestKey ? hash('sha256', key, 'base64url') : key}`;
}
