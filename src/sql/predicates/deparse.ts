import { fieldsOf, isObject, listOf, namesOf, nodeOf, textOf, type Tree, type TreeObject } from '../describe/tree.ts';
import { readableIdentifier } from '../identifier.ts';

/** SQL of a column, `undefined` when it cannot stand in an expression. */
export type ColumnSql = (names: readonly string[]) => string | undefined;

/**
 * An expression as SQL again, its columns written as told. `undefined` for what cannot be a part of an index: parameters,
 * sub-queries, aggregates, and kinds of expressions that are rare in one.
 */
export function deparse(tree: Tree | undefined, column: ColumnSql): string | undefined {
  const node = nodeOf(tree);
  return node && writers.get(node.tag)?.(node.fields, column);
}

type Writer = (fields: TreeObject, column: ColumnSql) => string | undefined;

const writers = new Map<string, Writer>([
  ['ColumnRef', (fields, column) => column(namesOf(fields['fields']))],
  ['A_Const', (fields) => constantSql(fields)],
  ['TypeCast', castSql],
  ['FuncCall', callSql],
  ['A_Expr', operationSql],
  ['CoalesceExpr', (fields, column) => wrap('COALESCE', listSql(fields['args'], column))],
  [
    'MinMaxExpr',
    (fields, column) => wrap(fields['op'] === 'IS_LEAST' ? 'LEAST' : 'GREATEST', listSql(fields['args'], column)),
  ],
  [
    'A_ArrayExpr',
    (fields, column) => {
      const elements = listSql(fields['elements'], column);
      return elements === undefined ? undefined : `ARRAY[${elements}]`;
    },
  ],
  [
    'CollateClause',
    (fields, column) => {
      const inner = deparse(fields['arg'], column);
      const name = namesOf(fields['collname']).map(readableIdentifier).join('.');
      return inner === undefined ? undefined : `(${inner} COLLATE ${name})`;
    },
  ],
]);

/** A constant as SQL: `'open'`, `-1`, `true`, `NULL`. */
function constantSql(fields: TreeObject): string | undefined {
  if (fields['isnull'] === true) return 'NULL';
  const { sval, ival, fval, boolval } = fields;
  if (isObject(sval)) return quoteLiteral(textOf(sval['sval']) ?? '');
  if (isObject(ival)) return String(ival['ival'] ?? 0);
  if (isObject(fval)) return textOf(fval['fval']);
  // false is an empty node.
  if (isObject(boolval)) return boolval['boolval'] === true ? 'true' : 'false';
  return undefined;
}

/** With a backslash in it a string means the same only in its escaped form, whatever standard_conforming_strings says. */
function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

function castSql(fields: TreeObject, column: ColumnSql): string | undefined {
  const inner = deparse(fields['arg'], column);
  const type = isObject(fields['typeName']) ? typeSql(fields['typeName']) : undefined;
  return inner === undefined || type === undefined ? undefined : `${inner}::${type}`;
}

function typeSql(type: TreeObject): string | undefined {
  const names = namesOf(type['names']);
  if (names.length === 0 || names.includes('*')) return undefined;
  const modifiers = listOf(type['typmods']).map((item) => constantSql(fieldsOf(item, 'A_Const') ?? {}));
  // An INTERVAL's fields are a number in the tree.
  if (modifiers.includes(undefined) || (modifiers.length > 0 && names.at(-1) === 'interval')) return undefined;
  const bare = names[0] === 'pg_catalog' && names.length === 2 ? names.slice(1) : names;
  const length = modifiers.length > 0 ? `(${modifiers.join(', ')})` : '';
  return `${bare.map(readableIdentifier).join('.')}${length}${listOf(type['arrayBounds'])
    .map(() => '[]')
    .join('')}`;
}

const withinCallOnly = [
  'agg_order',
  'agg_filter',
  'agg_within_group',
  'agg_star',
  'agg_distinct',
  'func_variadic',
  'over',
];

/** Aggregates are calls by their form; these are the ones by which results are ordered or compared. */
const aggregates =
  /^(?:sum|avg|count|min|max|any_value|every|(?:string|array|jsonb?|jsonb?_object|xml|range|range_intersect)_agg|bool_(?:and|or)|bit_(?:and|or|xor)|(?:stddev|var|variance|covar|corr|regr)(?:_\w+)?)$/;

function callSql(fields: TreeObject, column: ColumnSql): string | undefined {
  if (withinCallOnly.some((field) => field in fields)) return undefined;
  if (aggregates.test(namesOf(fields['funcname']).at(-1) ?? '')) return undefined;
  const args = listSql(fields['args'], column);
  return wrap(namesOf(fields['funcname']).map(readableIdentifier).join('.'), args);
}

function operationSql(fields: TreeObject, column: ColumnSql): string | undefined {
  const [operator, ...more] = namesOf(fields['name']);
  if (fields['kind'] !== 'AEXPR_OP' || operator === undefined || more.length > 0) return undefined;
  const right = deparse(fields['rexpr'], column);
  if (right === undefined) return undefined;
  if (fields['lexpr'] === undefined) return `(${operator} ${right})`;
  const left = deparse(fields['lexpr'], column);
  return left === undefined ? undefined : `(${left} ${operator} ${right})`;
}

function listSql(tree: Tree | undefined, column: ColumnSql): string | undefined {
  const parts = listOf(tree).map((item) => deparse(item, column));
  return parts.includes(undefined) ? undefined : parts.join(', ');
}

function wrap(name: string, args: string | undefined): string | undefined {
  return args === undefined ? undefined : `${name}(${args})`;
}
