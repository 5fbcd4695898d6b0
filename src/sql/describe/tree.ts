/** A part of a parse tree: PostgreSQL's own nodes as JSON. Where any node may stand, it is wrapped in its name: `{ "ColumnRef": { … } }`. */
export type Tree = string | number | boolean | null | readonly Tree[] | TreeObject;

export interface TreeObject {
  readonly [field: string]: Tree;
}

export function isObject(tree: Tree | undefined): tree is TreeObject {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree);
}

/** A node's name and its fields. */
export interface Node {
  tag: string;
  fields: TreeObject;
}

/** A wrapped node; `undefined` for anything else. Names of nodes begin with a capital, those of fields do not. */
export function nodeOf(tree: Tree | undefined): Node | undefined {
  if (!isObject(tree)) return undefined;
  for (const tag in tree) {
    const fields = tree[tag];
    return isNodeName(tag) && isObject(fields) ? { tag, fields } : undefined;
  }
  return undefined;
}

export function isNodeName(field: string): boolean {
  const first = field.charCodeAt(0);
  return first >= 65 && first <= 90;
}

/** The fields of a node that stands wrapped or not, when it is of that name. */
export function fieldsOf(tree: Tree | undefined, tag: string): TreeObject | undefined {
  if (!isObject(tree)) return undefined;
  const wrapped = tree[tag];
  return isObject(wrapped) ? wrapped : undefined;
}

export function listOf(tree: Tree | undefined): readonly Tree[] {
  return Array.isArray(tree) ? tree : [];
}

export function textOf(tree: Tree | undefined): string | undefined {
  return typeof tree === 'string' ? tree : undefined;
}

/** The names of a list of String nodes: `pg_catalog.lower` is `['pg_catalog', 'lower']`. Anything else in it is `'*'`. */
export function namesOf(tree: Tree | undefined): string[] {
  return listOf(tree).map((item) => textOf(fieldsOf(item, 'String')?.['sval']) ?? '*');
}
