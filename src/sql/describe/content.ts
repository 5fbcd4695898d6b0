import { fieldsOf, isNodeName, isObject, namesOf, textOf, type Tree } from './tree.ts';

/** What a statement calls, and what keeps it from being a plain read. */
export interface Content {
  /** Names as written: `['lower']`, `['app', 'visible_to']`. */
  functions: string[][];
  operators: string[][];
  /** Last names behind a dot: `x.name`, `(x).name`. */
  fields: Set<string>;
  types: string[][];
  /** In words, for explanations; the first found. */
  obstacle: string | undefined;
  /** The row type of a temporary table is named. */
  temporaryType: boolean;
}

/**
 * Nodes of which a plain read may consist. A list of what is allowed, so that what future grammars add counts as a write
 * until somebody has looked at it.
 */
const harmless = new Set(
  `SelectStmt ResTarget ColumnRef ParamRef A_Const A_Expr A_Star A_Indices A_Indirection A_ArrayExpr FuncCall BoolExpr SubLink
  TypeCast CollateClause CaseExpr CaseWhen CoalesceExpr MinMaxExpr NullTest BooleanTest RowExpr SQLValueFunction NamedArgExpr
  GroupingFunc GroupingSet WindowDef SortBy List String Integer Float Boolean BitString TypeName SetToDefault
  CommonTableExpr CTESearchClause CTECycleClause RangeVar RangeSubselect RangeFunction RangeTableSample RangeTableFunc
  RangeTableFuncCol JoinExpr ColumnDef XmlExpr XmlSerialize JsonObjectConstructor JsonArrayConstructor
  JsonArrayQueryConstructor JsonObjectAgg JsonArrayAgg JsonAggConstructor JsonKeyValue JsonValueExpr JsonFormat JsonReturning
  JsonOutput JsonBehavior JsonArgument JsonFuncExpr JsonTable JsonTableColumn JsonTablePathSpec JsonTablePath
  JsonParseExpr JsonScalarExpr JsonSerializeExpr JsonIsPredicate`.split(/\s+/),
);

/** What an obstacle is called when it is not simply another kind of statement. */
const obstacles = new Map([
  ['InsertStmt', 'a part of it inserts'],
  ['UpdateStmt', 'a part of it updates'],
  ['DeleteStmt', 'a part of it deletes'],
  ['MergeStmt', 'a part of it merges'],
  ['LockingClause', 'it locks rows (FOR UPDATE, FOR SHARE)'],
]);

/** A_Expr nodes whose name is a keyword, not an operator. */
const namedByKeyword = new Set(['AEXPR_BETWEEN', 'AEXPR_NOT_BETWEEN', 'AEXPR_BETWEEN_SYM', 'AEXPR_NOT_BETWEEN_SYM']);

const samplingMethods = new Set(['bernoulli', 'system']);

/** Reads a tree through, whatever it is of. */
export function contentOf(tree: Tree): Content {
  const content: Content = {
    functions: [],
    operators: [],
    fields: new Set(),
    types: [],
    obstacle: undefined,
    temporaryType: false,
  };
  visit(tree, content);
  return content;
}

function visit(tree: Tree | undefined, content: Content): void {
  if (Array.isArray(tree)) {
    for (const item of tree as readonly Tree[]) visit(item, content);
    return;
  }
  if (!isObject(tree)) return;
  for (const field in tree) {
    const value = tree[field];
    if (isNodeName(field) && !harmless.has(field)) content.obstacle ??= obstacles.get(field) ?? `it contains ${field}`;
    if (field === 'intoClause') content.obstacle ??= 'it makes a table (SELECT INTO)';
    if (field === 'funcname') content.functions.push(namesOf(value));
    else if (field === 'operName' || field === 'useOp') content.operators.push(namesOf(value));
    else visit(value, content);
  }
  if ('typemod' in tree) {
    const names = namesOf(tree['names']);
    if (names[0]?.startsWith('pg_temp')) content.temporaryType = true;
    content.types.push(names);
  }
  visitNode(tree, content);
}

function visitNode(tree: Tree, content: Content): void {
  const expression = fieldsOf(tree, 'A_Expr');
  if (expression && !namedByKeyword.has(textOf(expression['kind']) ?? '')) {
    content.operators.push(namesOf(expression['name']));
  }
  for (const name of namesOf(fieldsOf(tree, 'ColumnRef')?.['fields']).slice(1)) content.fields.add(name);
  for (const name of namesOf(fieldsOf(tree, 'A_Indirection')?.['indirection'])) content.fields.add(name);
  const sample = fieldsOf(tree, 'RangeTableSample');
  if (sample) {
    const method = namesOf(sample['method']);
    if (!samplingMethods.has(method.at(-1) ?? '') || !isBuiltinSchema(method)) {
      content.obstacle ??= 'it samples a table by a method that is not known';
    }
  }
}

/** A name without a schema, or one of pg_catalog. */
export function isBuiltinSchema(names: readonly string[]): boolean {
  return names.length === 1 || (names.length === 2 && names[0] === 'pg_catalog');
}
