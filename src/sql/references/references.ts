import type { TableName } from '../description.ts';
import type { Equality } from './equalities.ts';

/** A relation that a query names. */
export interface RelationReference extends TableName {
  /** `FROM ONLY` wherever it is named: its children are left out. */
  only: boolean;
}

/** A call, as written. */
export interface FunctionReference {
  /** `['lower']`, `['app', 'visible_to']`. */
  name: readonly string[];
  /** `undefined` when the text does not tell: WITHIN GROUP, VARIADIC. */
  arguments: number | undefined;
}

/** What a value that is cast consists of, as far as its type goes: one of several, for CASE and the like. */
export type CastSource =
  | { readonly kind: 'constant' | 'other' }
  | { readonly kind: 'column'; readonly name: string }
  | { readonly kind: 'function'; readonly call: FunctionReference }
  | { readonly kind: 'type'; readonly name: readonly string[]; readonly array: boolean };

/** A type that is named: what is cast to it, or `other` where it describes a column of a function, of JSON or of XML. */
export interface TypeReference {
  name: readonly string[];
  array: boolean;
  /** Of a cast; what may hold text that is read as a value of the type. */
  sources: readonly CastSource[];
  /** Written as a call, which is a cast only where a type bears the name: `date(x)`. */
  call?: boolean;
}

/**
 * All that a query's result may depend on by its text. Nothing is resolved: which of several functions of a name is called, and
 * which of several tables, is for who knows the server's catalog.
 */
export interface References {
  /** Tables, views and whatever else can be named in FROM; common table expressions apart. */
  relations: readonly RelationReference[];
  functions: readonly FunctionReference[];
  /** Names of columns, without what stands before a dot. */
  columns: readonly string[];
  /** Last names of `x.name` and `(x).name`: columns mostly, but a function of the row is written so too. */
  fields: readonly string[];
  /** With those that keywords stand for: IN, BETWEEN, LIKE, CASE, USING. */
  operators: readonly (readonly string[])[];
  types: readonly TypeReference[];
  /** Names given to columns within it (sub-queries, aliases with columns): what they hold is not known. */
  aliases: ReadonlySet<string>;
  /** CURRENT_DATE, CURRENT_USER and the like: `SVFOP_CURRENT_DATE`. */
  valueFunctions: readonly string[];
  /** Settings that it asks for by name (`current_setting('app.tenant')`); `undefined` among them is one that is computed. */
  settings: readonly (string | undefined)[];
  /** A constant in it means another moment whenever it is read: `'now'`, `'today'`. */
  movingConstant: boolean;
  /** A function or table function stands in FROM. */
  functionInFrom: boolean;
  samples: boolean;
  /** Of a query of one relation alone, without anything that could read another one: `column = value` that all its rows meet. */
  equalities: readonly Equality[] | undefined;
}

/** What a text refers to, or why that cannot be told. */
export type ReferencesAnswer =
  | { readonly references: References; readonly reason?: never }
  | { readonly references?: never; readonly reason: string };
