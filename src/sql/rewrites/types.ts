import type { TableName } from '../description.ts';

/** A better way to write a statement, or something about how it is written that its author should know. */
export interface Rewrite {
  /** Kebab-case: `not-in-subquery`. */
  rule: string;
  severity: 'info' | 'warning';
  /** One sentence: what it says now. */
  message: string;
  /** One sentence: what to write instead. */
  advice: string;
  /** The whole statement written so; `null` where only its author can tell what is meant. */
  rewritten: string | null;
  /** On what the same result depends, as a half-sentence ("created_at is a timestamp"); `null` when it is certain. */
  provided: string | null;
}

/** A column as far as rewriting needs to know it. */
export interface RewriteColumn {
  name: string;
  /** Name of the type in pg_type: `int4`, `timestamptz`, `text`. */
  type: string;
  notNull: boolean;
}

/** What is known of the tables that a statement names. */
export interface RewriteCatalog {
  /** Columns in their order; `undefined` for what is no table, view or the like, or not known. */
  columns(relation: TableName): readonly RewriteColumn[] | undefined;
}

/** Nothing for a text that is not one statement that can be parsed: then it says why. */
export type RewritesAnswer =
  | { readonly rewrites: readonly Rewrite[]; readonly reason?: never }
  | { readonly rewrites?: never; readonly reason: string };
