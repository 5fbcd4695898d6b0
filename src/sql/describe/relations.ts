import type { TableName } from '../description.ts';
import {
  fieldsOf,
  isNodeName,
  isObject,
  listOf,
  namesOf,
  type Node,
  textOf,
  type Tree,
  type TreeObject,
} from './tree.ts';

export interface Relations {
  read: TableName[];
  written: TableName[];
  /** A temporary table is named or made. */
  temporary: boolean;
}

/** Names of the common table expressions in reach. */
type Reach = ReadonlySet<string>;

/** What a table that is named means: it is read, or changed (defined, locked, emptied …), or nothing at all. */
type Use = 'read' | 'written';

const modifying = new Set(['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);
/** Statements of which the tables are read wherever they stand; of all others they are changed. */
const reading = new Set(['SelectStmt', ...modifying]);
const nothing: Reach = new Set();

/** Tables and views that a statement names, common table expressions apart. Each once, in order of appearance. */
export function relationsOf(statement: Node): Relations {
  const read = new Map<string, TableName>();
  const written = new Map<string, TableName>();
  let temporary = false;

  const add = (name: TableName, use: Use): void => {
    if (name.schema !== undefined && /^pg_(?:temp|toast_temp)/.test(name.schema)) temporary = true;
    const names = use === 'read' ? read : written;
    names.set(JSON.stringify([name.schema, name.name]), name);
  };

  const visitTable = (table: TreeObject, use: Use, reach: Reach): void => {
    const name = textOf(table['relname']) ?? '';
    const schema = textOf(table['schemaname']);
    if (table['relpersistence'] === 't') temporary = true;
    if (use === 'read' && schema === undefined && reach.has(name)) return;
    add(Object.freeze({ schema, name }), use);
  };

  const visit = (tree: Tree | undefined, use: Use, reach: Reach): void => {
    if (Array.isArray(tree)) for (const item of tree as readonly Tree[]) visit(item, use, reach);
    else if (isObject(tree)) visitObject(tree, use, reach);
  };

  const visitObject = (tree: TreeObject, use: Use, outer: Reach): void => {
    if (textOf(tree['relname']) !== undefined) return visitTable(tree, use, outer);
    const reach = isObject(tree['withClause']) ? visitWith(tree['withClause'], outer) : outer;
    // The two sides of a UNION are statements without their wrapping.
    const selecting = 'limitOption' in tree ? 'read' : use;
    for (const field in tree) {
      if (field === 'withClause') continue;
      visitField(field, tree[field], selecting, reach);
    }
  };

  const visitField = (field: string, tree: Tree | undefined, use: Use, reach: Reach): void => {
    if (field === 'intoClause') visit(tree, 'written', nothing);
    // The name of a new type, and what FOR UPDATE OF repeats.
    else if (field === 'typevar' || field === 'lockedRels') return;
    else if (field === 'pktable' || field === 'TableLikeClause') visit(tree, 'read', nothing);
    else if (modifying.has(field) && isObject(tree)) visitModifying(tree, reach);
    else visit(tree, isNodeName(field) && reading.has(field) ? 'read' : use, reach);
  };

  /** The target of INSERT, UPDATE, DELETE and MERGE is never a common table expression. */
  const visitModifying = (tree: TreeObject, outer: Reach): void => {
    visit(tree['relation'], 'written', nothing);
    const rest = Object.fromEntries(Object.entries(tree).filter(([field]) => field !== 'relation'));
    visitObject(rest, 'read', outer);
  };

  /** The statements of a WITH, and the names that those behind it can use. */
  const visitWith = (clause: TreeObject, outer: Reach): Reach => {
    const expressions = listOf(clause['ctes']).map((item) => fieldsOf(item, 'CommonTableExpr') ?? {});
    const names = expressions.map((expression) => textOf(expression['ctename']) ?? '');
    const recursive = clause['recursive'] === true;
    for (const [at, expression] of expressions.entries()) {
      visitObject(expression, 'read', new Set([...outer, ...(recursive ? names : names.slice(0, at))]));
    }
    return new Set([...outer, ...names]);
  };

  const { tag, fields } = statement;
  if (tag === 'DropStmt' || tag === 'CommentStmt') for (const name of namedObjects(tag, fields)) add(name, 'written');
  else if (tag === 'CopyStmt') visitObject(fields, fields['is_from'] === true ? 'written' : 'read', nothing);
  else visitField(tag, fields, 'written', nothing);
  return { read: [...read.values()], written: [...written.values()], temporary };
}

/** Kinds of objects whose name is a table's; of those of the second list it is the table's and their own. */
const tableLike = /^OBJECT_(?:TABLE|VIEW|MATVIEW|FOREIGN_TABLE)$/;
const partOfTable = /^OBJECT_(?:COLUMN|TRIGGER|RULE|POLICY|TABCONSTRAINT)$/;

/** DROP and COMMENT name their objects as lists of words. */
function namedObjects(tag: string, fields: TreeObject): TableName[] {
  const type = textOf(fields[tag === 'DropStmt' ? 'removeType' : 'objtype']) ?? '';
  const drop = tableLike.test(type) ? 0 : 1;
  if (drop === 1 && !partOfTable.test(type)) return [];
  const objects = tag === 'DropStmt' ? listOf(fields['objects']) : [fields['object']];
  return objects.flatMap((object) => {
    const names = namesOf(fieldsOf(object, 'List')?.['items']);
    const [name, schema] = names.slice(0, names.length - drop).toReversed();
    return name === undefined ? [] : Object.freeze({ schema, name });
  });
}
