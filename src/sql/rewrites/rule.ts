import type { Tree, TreeObject } from '../describe/tree.ts';
import type { Scope } from './scope.ts';
import type { Source } from './source.ts';
import type { Rewrite, RewriteCatalog } from './types.ts';

/** A node of the parse tree and where it stands. */
export interface Place {
  tag: string;
  fields: TreeObject;
  scope: Scope;
  /** True where a condition filters rows and nothing but true counts: NULL and false are the same there. */
  filters: boolean;
  clause: 'target' | 'where' | 'on' | 'having' | 'other';
  source: Source;
  catalog: RewriteCatalog | undefined;
  /** True in the statement itself, false in its subqueries. */
  top: boolean;
}

/** What a rule found: a rewrite without its name. */
export type Found = Omit<Rewrite, 'rule'>;

export interface RewriteRule {
  id: string;
  /** Names of the nodes that it looks at. */
  tags: readonly string[];
  look(place: Place): Found | undefined;
}

/** An operator's name: `=`; `undefined` for qualified ones. */
export function operatorOf(fields: TreeObject, kind: string): string | undefined {
  if (fields['kind'] !== kind) return undefined;
  const names = Array.isArray(fields['name']) ? (fields['name'] as readonly Tree[]) : [];
  const [only] = names;
  if (names.length !== 1 || typeof only !== 'object' || only === null || Array.isArray(only)) return undefined;
  const text = ((only as TreeObject)['String'] as TreeObject | undefined)?.['sval'];
  return typeof text === 'string' ? text : undefined;
}
