import { parse } from '../describe/parser.ts';
import {
  fieldsOf,
  isObject,
  listOf,
  namesOf,
  type Node,
  nodeOf,
  textOf,
  type Tree,
  type TreeObject,
} from '../describe/tree.ts';
import { conditionsOf, conjuncts, disjuncts } from './conditions.ts';
import { columnsOf, emptyLevel, type Level, type OpenUse, type Output, type Source, usesOf } from './level.ts';
import { readOrders, readUnionOrder } from './orders.ts';
import type { Condition, RelationResolver, ResolvedRelation, TableWrite } from './predicates.ts';
import { boundsOf, readColumns, rowItems } from './resolve.ts';

/** Statements that name more tables than this are read as far. */
const mostUses = 500;

/** Which results of a query are read: all, those that an outer query names, none (EXISTS). */
type Results = 'all' | 'named' | 'none';

export interface Reader {
  readonly uses: OpenUse[];
  readonly writes: TableWrite[];
  statement(node: Node): void;
}

/** Walks a statement, and collects what is asked of every table where it is named. */
export function createReader(resolver: RelationResolver): Reader {
  const uses: OpenUse[] = [];
  const writes: TableWrite[] = [];

  const tableUse = (relation: ResolvedRelation): OpenUse => {
    const use: OpenUse = {
      number: uses.length,
      relation,
      conditions: [],
      alternatives: [],
      orders: [],
      groups: [],
      extremes: [],
      limited: false,
      columns: new Set(),
      wholeRows: false,
    };
    uses.push(use);
    return use;
  };

  /** @returns the levels whose results are the query's: several for a set operation. */
  const query = (fields: TreeObject, outer: Level | undefined, results: Results): Level[] => {
    const level = emptyLevel(outer);
    withClause(fields['withClause'], level);
    const { larg, rarg } = fields;
    const limited = 'limitCount' in fields;
    if (isObject(larg) && isObject(rarg)) {
      const sides = [larg, rarg].flatMap((side) => query(side, level, results === 'none' ? 'none' : 'all'));
      readUnionOrder(fields, sides);
      if (limited) for (const side of sides) for (const use of usesOf(side)) use.limited = true;
      return sides;
    }
    from(fields['fromClause'], level);
    level.outputs = outputsOf(fields['targetList'], level);
    condition(fields['whereClause'], level);
    readOrders(fields, level);
    if (limited) for (const use of usesOf(level)) use.limited = true;
    targets(level, results);
    for (const clause of [
      'groupClause',
      'havingClause',
      'windowClause',
      'sortClause',
      'distinctClause',
      'valuesLists',
    ]) {
      expression(fields[clause], level);
    }
    return [level];
  };

  const targets = (level: Level, results: Results): void => {
    for (const { tree } of level.outputs) {
      subQueries(tree, level);
      if (results === 'all' || (results === 'named' && !fieldsOf(tree, 'ColumnRef'))) readColumns(tree, level);
    }
  };

  const withClause = (clause: Tree | undefined, level: Level): void => {
    if (!isObject(clause)) return;
    for (const item of listOf(clause['ctes'])) {
      const common = fieldsOf(item, 'CommonTableExpr') ?? {};
      const name = textOf(common['ctename']) ?? '';
      // Within itself, a recursive one is a table of which nothing is known.
      if (clause['recursive'] === true) level.expressions.set(name, []);
      const select = fieldsOf(common['ctequery'], 'SelectStmt');
      const levels = select ? query(select, level, 'named') : [];
      const inner = nodeOf(common['ctequery']);
      if (!select && inner) change(inner, level);
      level.expressions.set(name, rename(levels, namesOf(common['aliascolnames'])));
    }
  };

  /** Adds what a FROM list offers, then reads the conditions of its joins, which may name any of it. */
  const from = (list: Tree | undefined, level: Level): void => {
    const quals: Tree[] = [];
    for (const item of listOf(list)) addSources(item, level, quals);
    for (const qual of quals) condition(qual, level);
  };

  const addSources = (item: Tree, level: Level, quals: Tree[]): Source[] => {
    const node = nodeOf(item);
    const fields = node?.fields ?? {};
    const alias = isObject(fields['alias']) ? fields['alias'] : {};
    const renamed = namesOf(alias['colnames']);
    const name = textOf(alias['aliasname']);
    const add = (source: Source): Source[] => {
      level.sources.push(source);
      return [source];
    };
    switch (node?.tag) {
      case 'RangeVar':
        return add(tableSource(fields, name, renamed, level));
      case 'RangeTableSample':
        return listOf([fields['relation'] ?? null]).flatMap((inner) => addSources(inner, level, quals));
      case 'RangeSubselect': {
        const select = fieldsOf(fields['subquery'], 'SelectStmt') ?? {};
        return add({ kind: 'derived', name: name ?? '', levels: query(select, level, 'named'), renamed });
      }
      case 'JoinExpr':
        return join(fields, level, quals);
      default:
        expression(item, level);
        return add({ kind: 'opaque', name: name ?? '' });
    }
  };

  const join = (fields: TreeObject, level: Level, quals: Tree[]): Source[] => {
    const left = listOf([fields['larg'] ?? null]).flatMap((inner) => addSources(inner, level, quals));
    const right = listOf([fields['rarg'] ?? null]).flatMap((inner) => addSources(inner, level, quals));
    if (fields['quals'] !== undefined) quals.push(fields['quals']);
    const shared = fields['isNatural'] === true ? sharedColumns(left, right) : namesOf(fields['usingClause']);
    for (const column of shared) {
      const sides = [left, right].map((sources) => sources.find((source) => columnsOf(source)?.includes(column)));
      const [lexpr, rexpr] = sides.map((source) => columnReference(source?.name ?? '', column));
      if (lexpr && rexpr) quals.push({ A_Expr: { kind: 'AEXPR_OP', name: [{ String: { sval: '=' } }], lexpr, rexpr } });
    }
    return [...left, ...right];
  };

  const tableSource = (
    fields: TreeObject,
    alias: string | undefined,
    renamed: readonly string[],
    level: Level,
  ): Source => {
    const table = textOf(fields['relname']) ?? '';
    const schema = textOf(fields['schemaname']);
    const name = alias ?? table;
    const common = schema === undefined ? level.expressions.get(table) : undefined;
    if (common) return { kind: 'derived', name, levels: common, renamed };
    const relation = uses.length < mostUses ? resolver.relation(schema, table) : undefined;
    if (!relation) return { kind: 'opaque', name };
    if (relation.definition === undefined) return { kind: 'table', name, use: tableUse(relation), renamed };
    const view = parse(relation.definition)?.[0];
    if (view?.tag !== 'SelectStmt') return { kind: 'opaque', name };
    const columns = [...renamed, ...relation.columns.slice(renamed.length)];
    return { kind: 'derived', name, levels: query(view.fields, undefined, 'named'), renamed: columns };
  };

  const condition = (tree: Tree | undefined, level: Level): void => {
    for (const part of conjuncts(tree)) {
      const branches = disjuncts(part);
      if (branches) for (const branch of branches) alternative(branch, level);
      else for (const { use, condition: found } of conditionsOf(part, level)) use.conditions.push(found);
    }
    expression(tree, level);
  };

  const alternative = (branch: Tree, level: Level): void => {
    const byUse = new Map<OpenUse, Condition[]>();
    for (const part of conjuncts(branch)) {
      for (const nested of disjuncts(part) ?? []) alternative(nested, level);
      for (const { use, condition: found } of conditionsOf(part, level)) {
        byUse.set(use, [...(byUse.get(use) ?? []), found]);
      }
    }
    for (const [use, conditions] of byUse) use.alternatives.push(conditions);
  };

  /** Columns that an expression reads, and the queries in it. */
  const expression = (tree: Tree | undefined, level: Level): void => {
    readColumns(tree, level);
    subQueries(tree, level);
  };

  const subQueries = (tree: Tree | undefined, level: Level): void => {
    if (Array.isArray(tree)) for (const item of tree as readonly Tree[]) subQueries(item, level);
    else if (isObject(tree)) {
      const link = fieldsOf(tree, 'SubLink');
      if (link) subQuery(link, level);
      else if (!('SelectStmt' in tree)) for (const field of Object.values(tree)) subQueries(field, level);
    }
  };

  const subQuery = (link: TreeObject, level: Level): void => {
    const select = fieldsOf(link['subselect'], 'SelectStmt');
    if (!select) return;
    subQueries(link['testexpr'], level);
    const inner = query(select, level, link['subLinkType'] === 'EXISTS_SUBLINK' ? 'none' : 'all');
    if (link['subLinkType'] !== 'ANY_SUBLINK' || 'operName' in link) return;
    for (const [at, item] of rowItems(link['testexpr']).entries()) {
      for (const side of inner) joinInner(side.outputs[at]?.tree, side, item, level);
    }
  };

  /** `a IN (SELECT b …)` asks for b equal to a. */
  const joinInner = (output: Tree | undefined, inner: Level, tested: Tree | undefined, outer: Level): void => {
    const [other] = boundsOf(tested, outer);
    for (const { use, operand } of boundsOf(output, inner)) {
      use.conditions.push(
        Object.freeze({
          kind: 'equal',
          operand,
          operator: '=',
          with: other ? 'join' : 'value',
          constant: undefined,
          parameter: undefined,
          other: other && Object.freeze({ use: other.use.number, operand: other.operand }),
          row: undefined,
        }),
      );
    }
  };

  const change = ({ tag, fields }: Node, outer: Level | undefined): void => {
    const level = emptyLevel(outer);
    withClause(fields['withClause'], level);
    const relation = isObject(fields['relation']) ? fields['relation'] : {};
    const target = resolver.relation(textOf(relation['schemaname']), textOf(relation['relname']) ?? '');
    if (tag === 'InsertStmt') insert(fields, target, level);
    else {
      const alias = isObject(relation['alias']) ? textOf(relation['alias']['aliasname']) : undefined;
      const source = tableSource(relation, alias, [], level);
      level.sources.push(source);
      if (source.kind === 'table') source.use.wholeRows = true;
      from(fields['fromClause'] ?? fields['usingClause'] ?? [fields['sourceRelation'] ?? null], level);
      condition(fields['whereClause'] ?? fields['joinCondition'], level);
      for (const clause of ['targetList', 'returningClause', 'mergeWhenClauses']) expression(fields[clause], level);
      if (tag === 'UpdateStmt') written(target, 'update', fields['targetList']);
      if (tag === 'DeleteStmt') written(target, 'delete', undefined);
      for (const item of listOf(fields['mergeWhenClauses'])) {
        const clause = fieldsOf(item, 'MergeWhenClause') ?? {};
        const by = (['insert', 'update', 'delete'] as const).find(
          (way) => clause['commandType'] === `CMD_${way.toUpperCase()}`,
        );
        if (by) written(target, by, by === 'update' ? clause['targetList'] : undefined);
      }
    }
  };

  const insert = (fields: TreeObject, target: ResolvedRelation | undefined, level: Level): void => {
    written(target, 'insert', undefined);
    const select = fieldsOf(fields['selectStmt'], 'SelectStmt');
    if (select) query(select, level, 'all');
    const conflict = isObject(fields['onConflictClause']) ? fields['onConflictClause'] : {};
    if (conflict['action'] === 'ONCONFLICT_UPDATE') written(target, 'update', conflict['targetList']);
    subQueries(conflict, level);
  };

  const written = (target: ResolvedRelation | undefined, by: TableWrite['by'], list: Tree | undefined): void => {
    if (!target) return;
    const columns = listOf(list).flatMap((item) => textOf(fieldsOf(item, 'ResTarget')?.['name']) ?? []);
    writes.push(Object.freeze({ schema: target.schema, table: target.name, by, columns: Object.freeze(columns) }));
  };

  return {
    uses,
    writes,
    statement(node) {
      if (node.tag === 'SelectStmt') query(node.fields, undefined, 'all');
      else change(node, undefined);
    },
  };
}

function columnReference(table: string, column: string): Tree {
  return { ColumnRef: { fields: [{ String: { sval: table } }, { String: { sval: column } }] } };
}

function sharedColumns(left: readonly Source[], right: readonly Source[]): string[] {
  const columns = new Set(right.flatMap((source) => columnsOf(source) ?? []));
  return left.flatMap((source) => columnsOf(source) ?? []).filter((column) => columns.has(column));
}

function rename(levels: readonly Level[], names: readonly string[]): readonly Level[] {
  if (names.length === 0) return levels;
  return levels.map((level) => ({
    ...level,
    outputs: level.outputs.map(({ name, tree }, at) => ({ name: names[at] ?? name, tree })),
  }));
}

/** The results of a list of targets, with `*` as the columns that it stands for. */
function outputsOf(list: Tree | undefined, level: Level): Output[] {
  return listOf(list).flatMap((item): Output[] => {
    const { name, val } = fieldsOf(item, 'ResTarget') ?? {};
    if (val === undefined) return [];
    const names = namesOf(fieldsOf(val, 'ColumnRef')?.['fields']);
    if (names.at(-1) !== '*') return [{ name: textOf(name) ?? names.at(-1) ?? callName(val), tree: val }];
    const table = names.at(-2);
    const sources = level.sources.filter((source) => table === undefined || source.name === table);
    return sources.flatMap((source) =>
      (columnsOf(source) ?? []).map((column) => ({ name: column, tree: columnReference(source.name, column) })),
    );
  });
}

/** A result without a name is called after its function or type. */
function callName(tree: Tree): string | undefined {
  const cast = fieldsOf(tree, 'TypeCast');
  if (cast) return callName(cast['arg'] ?? null);
  const link = fieldsOf(tree, 'ColumnRef');
  return namesOf(fieldsOf(tree, 'FuncCall')?.['funcname'] ?? link?.['fields']).at(-1);
}
