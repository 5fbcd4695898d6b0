import type { Tree } from '../describe/tree.ts';
import type { Condition, Operand, OrderKey, ResolvedRelation } from './predicates.ts';

/** A table's use while it is being collected. */
export interface OpenUse {
  number: number;
  relation: ResolvedRelation;
  conditions: Condition[];
  alternatives: Condition[][];
  orders: OrderKey[][];
  groups: Operand[][];
  extremes: OrderKey[];
  limited: boolean;
  columns: Set<string>;
  wholeRows: boolean;
}

/** What a FROM list offers under a name. */
export type Source =
  | { readonly kind: 'table'; readonly name: string; readonly use: OpenUse; readonly renamed: readonly string[] }
  | {
      readonly kind: 'derived';
      readonly name: string;
      readonly levels: readonly Level[];
      readonly renamed: readonly string[];
    }
  /** Functions, VALUES, tables that are not known. */
  | { readonly kind: 'opaque'; readonly name: string };

/** One query within a statement: what its names can mean. */
export interface Level {
  sources: Source[];
  outer: Level | undefined;
  /** Common table expressions in reach, by name. */
  expressions: Map<string, readonly Level[]>;
  /** Its results in order. */
  outputs: Output[];
}

export interface Output {
  name: string | undefined;
  tree: Tree;
}

export function emptyLevel(outer: Level | undefined): Level {
  return { sources: [], outer, expressions: new Map(outer?.expressions), outputs: [] };
}

/** Every table and derived table of a level's own, those within joins as well. */
export function usesOf(level: Level): OpenUse[] {
  return level.sources.flatMap((source) =>
    source.kind === 'table' ? [source.use] : source.kind === 'derived' ? source.levels.flatMap(usesOf) : [],
  );
}

/** Names of a source's columns, renamed ones first; `undefined` when they are not known. */
export function columnsOf(source: Source): readonly string[] | undefined {
  if (source.kind === 'opaque') return undefined;
  const own =
    source.kind === 'table'
      ? source.use.relation.columns
      : (source.levels[0]?.outputs ?? []).map(({ name }) => name ?? '?column?');
  return [...source.renamed, ...own.slice(source.renamed.length)];
}
