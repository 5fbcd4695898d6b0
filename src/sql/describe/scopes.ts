import { isObject, listOf, nodeOf, textOf, type Tree, type TreeObject } from './tree.ts';

/** What a FROM list and the like offer, by the name that columns are qualified with. */
export type Scope = ReadonlyMap<string, number>;

/**
 * The tables, sub-selects and functions that the parts of a statement can name, each with its place: `undefined` when the
 * object is no such statement.
 */
export function scopeOf(tree: TreeObject): Scope | undefined {
  const sources = [tree['relation'], tree['sourceRelation'], tree['fromClause'], tree['usingClause']];
  if (!isStatement(tree)) return undefined;
  const scope = new Map<string, number>();
  for (const source of sources) addSource(source, scope);
  return scope;
}

const ofTarget = ['override', 'targetList', 'whereClause', 'mergeWhenClauses', 'returningClause'];

function isStatement(tree: TreeObject): boolean {
  return (
    'limitOption' in tree ||
    // INSERT, UPDATE, DELETE, MERGE: all have a target that is not wrapped.
    (isObject(tree['relation']) && ofTarget.some((field) => field in tree))
  );
}

function addSource(source: Tree | undefined, scope: Map<string, number>): void {
  if (Array.isArray(source)) {
    for (const item of source as readonly Tree[]) addSource(item, scope);
    return;
  }
  if (!isObject(source)) return;
  const fields = nodeOf(source)?.fields ?? source;
  const name = aliasOf(fields) ?? textOf(fields['relname']) ?? functionName(fields);
  if (name !== undefined) scope.set(name, scope.size);
  addSource(fields['larg'], scope);
  addSource(fields['rarg'], scope);
  // TABLESAMPLE stands around its table.
  if ('method' in fields) addSource(fields['relation'], scope);
}

function aliasOf(fields: TreeObject): string | undefined {
  const alias = fields['alias'];
  return isObject(alias) ? textOf(alias['aliasname']) : undefined;
}

/** A function in FROM without an alias is named after itself. */
function functionName(fields: TreeObject): string | undefined {
  const [first] = listOf(fields['functions']);
  const list = nodeOf(first)?.fields['items'];
  const call = nodeOf(listOf(list)[0])?.fields;
  const last = listOf(call?.['funcname']).at(-1);
  return textOf(nodeOf(last)?.fields['sval']);
}
