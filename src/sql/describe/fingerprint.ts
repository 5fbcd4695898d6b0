import { hash } from 'node:crypto';
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
  /** A constant counts: where a keyword has been made one. */
  #literal = false;

  write({ tag, fields }: Node): string {
    this.#literal = tag === 'TransactionStmt';
    this.#node(tag, fields);
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
      for (const item of listOf(value)) this.#ordinal(item);
    } else if (field === 'funcname' || field === 'names' || field === 'operName' || field === 'useOp') {
      this.#name(value);
    } else if (field === 'typmods') {
      // Their values are constants to the server as well.
    } else if (field === 'lockedRels') {
      for (const item of listOf(value)) this.#qualifier([textOf(fieldsOf(item, 'RangeVar')?.['relname']) ?? '*']);
    } else this.#tree(value);
  }

  #node(tag: string, fields: TreeObject): void {
    if (tag === 'A_Const' && !this.#literal) this.#value(`@${String(fields['location'] ?? 0)}`);
    else if (tag === 'ParamRef') this.#value(`$${String(fields['number'] ?? 0)}`);
    else if (tag === 'ColumnRef') this.#column(listOf(fields['fields']));
    else if (tag === 'A_Expr') this.#expression(fields);
    else if (tag === 'A_ArrayExpr') this.#squashed('ARRAY', listOf(fields['elements']));
    else if (tag === 'SortBy') this.#sort(fields);
    else if (tag === 'VariableSetStmt') this.#rest(tag, fields, 'args');
    else if (tag === 'DeallocateStmt') this.#rest(tag, fields, 'name');
    else if (tag === 'TransactionStmt') this.#rest(tag, fields, 'savepoint_name', 'gid');
    else if (tag === 'RangeVar') this.#rest(tag, fields, 'schemaname', 'relpersistence');
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
    const known = key === '@-1' ? undefined : this.#values.get(key);
    const number = known ?? this.#values.size + 1;
    this.#values.set(key === '@-1' ? `@-${number}` : key, number);
    this.#add(`?${number}`);
  }

  #name(value: Tree | undefined): void {
    const names = namesOf(value);
    this.#add(JSON.stringify(usualSchemas.has(names[0] ?? '') && names.length > 1 ? names.slice(1) : names));
  }

  /** A place in the list of columns, `ORDER BY 2`, is no constant. */
  #ordinal(item: Tree): void {
    const sort = fieldsOf(item, 'SortBy');
    const constant = fieldsOf(sort ? sort['node'] : item, 'A_Const');
    const place = constant?.['ival'];
    if (!isObject(place)) return this.#tree(item);
    this.#add(`#${String(place['ival'] ?? 0)}`);
    if (sort) this.#direction(sort);
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
  #column(fields: readonly Tree[]): void {
    const names = fields.map((field) =>
      fieldsOf(field, 'A_Star') ? '*' : (textOf(fieldsOf(field, 'String')?.['sval']) ?? ''),
    );
    const column = names.at(-1) ?? '';
    if (names.length > 1) this.#qualifier(names.slice(0, -1));
    this.#add(JSON.stringify(column));
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
    if (kind === 'AEXPR_IN') {
      const { lexpr, rexpr } = fields;
      this.#add('IN');
      this.#name(fields['name']);
      this.#tree(lexpr);
      const items = fieldsOf(rexpr, 'List')?.['items'];
      return items ? this.#squashed('', listOf(items)) : this.#tree(rexpr);
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
    const others = items.filter((item) => !isValue(item));
    this.#add(`${what}(${others.length < items.length ? '?…' : ''}`);
    this.#list(others);
    this.#add(')');
  }
}

/** A constant or parameter, cast or not. */
function isValue(item: Tree): boolean {
  const cast = fieldsOf(item, 'TypeCast');
  if (cast) return isValue(cast['arg'] ?? null);
  return fieldsOf(item, 'A_Const') !== undefined || fieldsOf(item, 'ParamRef') !== undefined;
}

/** What a query calls its columns does not matter. */
function withoutNames(tree: Tree | undefined): Tree {
  if (Array.isArray(tree)) return (tree as readonly Tree[]).map(withoutNames);
  const target = fieldsOf(tree, 'ResTarget');
  if (target) return { ResTarget: { val: target['val'] ?? null } };
  return isObject(tree) && 'exprs' in tree ? { ...tree, exprs: withoutNames(tree['exprs']) } : (tree ?? null);
}
