import { hash } from 'node:crypto';
import { isValueNode } from './marks.ts';
import { type Scope, scopeOf } from './scopes.ts';
import { fieldsOf, isObject, listOf, namesOf, type Node, nodeOf, textOf, type Tree, type TreeObject } from './tree.ts';

/** The first half of a hash is enough to tell statements of one application apart. */
export function digest(text: string): string {
  return hash('sha256', text).slice(0, 16);
}

/**
 * The same for statements that pg_stat_statements counts together, from the parse tree alone. Where servers of different
 * versions differ, and where only the catalog could tell, it is the same for what some server counts together: two entries of
 * pg_stat_statements may share a fingerprint, while one entry has hardly ever two. docs/statements.md tells the rules.
 */
export function fingerprintOf(statements: readonly Node[]): string {
  return digest(statements.map((statement) => new Writer().write(statement)).join(';'));
}

/** Fields that say where and how something is written, or give names that only the statement itself uses. */
const ignored = new Set(
  `location stmt_len stmt_location list_start list_end rexpr_list_start rexpr_list_end name_location type_location
  arg_location funcformat row_format alias aliascolnames lateral typemod arrayBounds catalogname inhOpt`.split(/\s+/),
);

/** Schemas that are left out before the names of functions, types and operators, since they mostly are where they are found. */
const usualSchemas = new Set(['pg_catalog', 'public']);

class Writer {
  #parts: string[] = [];
  #scopes: Scope[] = [];
  /** Values and parameters by their first appearance: `a = $1 OR b = $1` is another statement than `a = $1 OR b = $2`. */
  #values = new Map<string, number>();
  /** Parts that number the values. */
  #numbers: number[] = [];
  /** There is a list of values. Servers that make one of it number the others anew in the text that they show. */
  #squashes = false;
  /** A constant counts: where a keyword has been made one. */
  #literal = false;

  write({ tag, fields }: Node): string {
    this.#literal = tag === 'TransactionStmt' || fields['jumble_args'] === true;
    this.#node(tag, fields);
    if (this.#squashes) for (const at of this.#numbers) this.#parts[at] = '';
    return this.#parts.join('');
  }

  #add(part: string): void {
    this.#parts.push(part);
  }

  #tree(tree: Tree | undefined): void {
    if (Array.isArray(tree)) this.#list(tree as readonly Tree[]);
    else if (isObject(tree)) this.#object(tree);
    else this.#add(JSON.stringify(tree ?? null));
  }

  #list(items: readonly Tree[]): void {
    this.#add('[');
    for (const item of items) {
      this.#tree(item);
      this.#add(',');
    }
    this.#add(']');
  }

  #object(tree: TreeObject): void {
    const node = nodeOf(tree);
    if (node) this.#node(node.tag, node.fields);
    else this.#fields(tree);
  }

  #fields(tree: TreeObject): void {
    const scope = scopeOf(tree);
    if (scope) this.#scopes.push(scope);
    this.#add('{');
    for (const field in tree) {
      if (!ignored.has(field)) this.#field(field, tree[field], tree);
    }
    this.#add('}');
    if (scope) this.#scopes.pop();
  }

  #field(field: string, value: Tree | undefined, owner: TreeObject): void {
    // Lengths of types are constants to the server, and the unit of an interval is nothing.
    if (field === 'typmods') return this.#add(namesOf(owner['names']).at(-1) === 'interval' ? '' : field);
    this.#add(`${field}:`);
    if (
      (field === 'targetList' && 'limitOption' in owner) ||
      field === 'returningClause' ||
      field === 'returningList'
    ) {
      this.#tree(withoutNames(value));
    } else if (
      (field === 'sortClause' || field === 'groupClause' || field === 'distinctClause') &&
      'limitOption' in owner
    ) {
      this.#places(listOf(value), listOf(owner['targetList']), field === 'sortClause');
    } else if (field === 'funcname' || field === 'names' || field === 'operName' || field === 'useOp') {
      this.#name(value);
    } else if (field === 'lockedRels') {
      for (const item of listOf(value)) this.#qualifier([textOf(fieldsOf(item, 'RangeVar')?.['relname']) ?? '*']);
    } else this.#tree(value);
  }

  #node(tag: string, fields: TreeObject): void {
    if (tag === 'A_Const' && !this.#literal) this.#value(`@${String(fields['location'] ?? 0)}`);
    else if (tag === 'ParamRef') this.#value(`$${String(fields['number'] ?? 0)}`);
    else if (tag === 'ColumnRef') this.#column(columnNames({ [tag]: fields }) ?? []);
    else if (tag === 'A_Expr') this.#expression(fields);
    else if (tag === 'A_ArrayExpr') this.#squashed('ARRAY', listOf(fields['elements']));
    else if (tag === 'SortBy') this.#sort(fields);
    else if (tag === 'VariableSetStmt' && !this.#literal) this.#rest(tag, fields, 'args');
    else if (tag === 'DeallocateStmt') this.#rest(tag, fields, 'name');
    else if (tag === 'TransactionStmt') this.#rest(tag, fields, 'savepoint_name', 'gid');
    else if (tag === 'RangeVar') this.#rest(tag, fields, 'schemaname');
    // `a IN (SELECT …)` is `a = ANY (SELECT …)`.
    else if (tag === 'SubLink' && namesOf(fields['operName']).join('') === '=') this.#rest(tag, fields, 'operName');
    else {
      this.#add(tag);
      this.#fields(fields);
    }
  }

  #rest(tag: string, fields: TreeObject, ...without: string[]): void {
    this.#add(tag);
    this.#fields(Object.fromEntries(Object.entries(fields).filter(([field]) => !without.includes(field))));
  }

  #value(key: string): void {
    // Without a place it was not written: the 1 of FETCH FIRST ROW ONLY.
    const unique = key === '@-1' ? `${key} ${this.#values.size}` : key;
    const number = this.#values.get(unique) ?? this.#values.size + 1;
    this.#values.set(unique, number);
    this.#add('?');
    this.#numbers.push(this.#parts.length);
    this.#add(String(number));
  }

  #name(value: Tree | undefined): void {
    const names = namesOf(value);
    this.#add(JSON.stringify(usualSchemas.has(names[0] ?? '') && names.length > 1 ? names.slice(1) : names));
  }

  /** `ORDER BY 2` names a column of the result, and no constant; so does a name or column that is among them. */
  #places(items: readonly Tree[], targets: readonly Tree[], byAlias: boolean): void {
    const star = targets.findIndex((target) => columnNames(fieldsOf(target, 'ResTarget')?.['val'])?.at(-1) === '*');
    const countable = (star < 0 ? targets : targets.slice(0, star)).map(
      (target) => fieldsOf(target, 'ResTarget') ?? {},
    );
    for (const item of items) {
      const sort = fieldsOf(item, 'SortBy');
      const place = placeOf(sort ? sort['node'] : item, countable, byAlias);
      if (place === undefined) this.#tree(item);
      else {
        this.#add(`#${place}`);
        if (sort) this.#direction(sort);
      }
    }
  }

  #sort(fields: TreeObject): void {
    this.#tree(fields['node']);
    this.#direction(fields);
  }

  /** What is the default may be written or not. */
  #direction(fields: TreeObject): void {
    const descending = fields['sortby_dir'] === 'SORTBY_DESC';
    const nullsFirst =
      fields['sortby_nulls'] === 'SORTBY_NULLS_DEFAULT' ? descending : fields['sortby_nulls'] === 'SORTBY_NULLS_FIRST';
    this.#add(`${descending ? ' DESC' : ''}${nullsFirst ? ' FIRST' : ''}`);
    if (fields['useOp']) this.#name(fields['useOp']);
  }

  /** `x.a` in `FROM t AS x` is `a` in `FROM t`; of several tables it is a column of the first, second … */
  #column(names: readonly string[]): void {
    if (names.length > 1) this.#qualifier(names.slice(0, -1));
    this.#add(JSON.stringify(names.at(-1) ?? ''));
  }

  #qualifier(names: readonly string[]): void {
    const table = names.at(-1) ?? '';
    for (const [up, scope] of this.#scopes.toReversed().entries()) {
      const place = scope.get(table);
      if (place === undefined) continue;
      if (up > 0 || scope.size > 1) this.#add(`${up}/${place}.`);
      return;
    }
    this.#add(`${JSON.stringify(names)}.`);
  }

  #expression(fields: TreeObject): void {
    const kind = textOf(fields['kind']);
    const list = listBehind(fields);
    if (list) {
      // `a IN (1, 2)` is `a = ANY (ARRAY[1, 2])`, `a NOT IN (1, 2)` is `a <> ALL (ARRAY[1, 2])`.
      this.#add('IN');
      this.#name(fields['name']);
      this.#tree(fields['lexpr']);
      return this.#squashed('', list);
    }
    if (kind === 'AEXPR_BETWEEN') return this.#between(fields);
    // LIKE is an operator as any other.
    const operator = kind === 'AEXPR_LIKE' || kind === 'AEXPR_ILIKE' ? 'AEXPR_OP' : (kind ?? '');
    this.#add(operator);
    this.#name(fields['name']);
    this.#add('(');
    this.#tree(fields['lexpr']);
    this.#add(',');
    this.#tree(fields['rexpr']);
    this.#add(')');
  }

  /** The server reads `a BETWEEN b AND c` as `a >= b AND a <= c`. */
  #between({ lexpr, rexpr }: TreeObject): void {
    const [from, to] = listOf(fieldsOf(rexpr, 'List')?.['items']);
    const compare = (operator: string, bound: Tree | undefined): Tree => ({
      A_Expr: {
        kind: 'AEXPR_OP',
        name: [{ String: { sval: operator } }],
        lexpr: lexpr ?? null,
        rexpr: bound ?? null,
      },
    });
    this.#tree({ BoolExpr: { boolop: 'AND_EXPR', args: [compare('>=', from), compare('<=', to)] } });
  }

  /** A list of any number of values is one, as in PostgreSQL 18. */
  #squashed(what: string, items: readonly Tree[]): void {
    this.#add(what);
    if (items.length === 0 || !items.every(isValueNode)) return this.#list(items);
    this.#squashes = true;
    this.#add('(?…)');
  }
}

/** The parts of a column's name; `*` for all of them. */
function columnNames(tree: Tree | undefined): string[] | undefined {
  const column = fieldsOf(tree, 'ColumnRef');
  return (
    column && listOf(column['fields']).map((field) => (fieldsOf(field, 'A_Star') ? '*' : (namesOf([field])[0] ?? '')))
  );
}

/** Which column of the result a part of ORDER BY or GROUP BY is, from 1. */
function placeOf(tree: Tree | undefined, targets: readonly TreeObject[], byAlias: boolean): number | undefined {
  const place = fieldsOf(tree, 'A_Const')?.['ival'];
  if (isObject(place)) return Number(place['ival'] ?? 0);
  const names = columnNames(tree);
  if (!names) return undefined;
  const alias = byAlias && names.length === 1 ? targets.findIndex(({ name }) => name === names[0]) : -1;
  const found = alias >= 0 ? alias : targets.findIndex(({ val }) => columnNames(val)?.join('.') === names.join('.'));
  return found < 0 ? undefined : found + 1;
}

/** The elements of a list or array with which something is compared. */
function listBehind({ kind, name, rexpr }: TreeObject): readonly Tree[] | undefined {
  const operator = namesOf(name).at(-1);
  if (kind === 'AEXPR_IN') return listOf(fieldsOf(rexpr, 'List')?.['items']);
  if ((kind === 'AEXPR_OP_ANY' && operator === '=') || (kind === 'AEXPR_OP_ALL' && operator === '<>')) {
    const array = fieldsOf(rexpr, 'A_ArrayExpr');
    return array && listOf(array['elements']);
  }
  return undefined;
}

/** What a query calls its columns does not matter. */
function withoutNames(tree: Tree | undefined): Tree {
  if (Array.isArray(tree)) return (tree as readonly Tree[]).map(withoutNames);
  const target = fieldsOf(tree, 'ResTarget');
  if (target) return { ResTarget: { val: target['val'] ?? null } };
  return isObject(tree) && 'exprs' in tree ? { ...tree, exprs: withoutNames(tree['exprs']) } : (tree ?? null);
}
