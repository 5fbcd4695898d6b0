import { fieldsOf, isObject, listOf, namesOf, type Tree, type TreeObject } from '../../describe/tree.ts';
import { readableIdentifier } from '../../identifier.ts';
import { constantOf, hasAggregate, mayAggregate } from '../constants.ts';
import type { Place, RewriteRule } from '../rule.ts';
import { columnOf } from '../scope.ts';
import { sameTree } from '../source.ts';

const isPlainQuery = (fields: TreeObject): boolean =>
  fields['op'] === 'SETOP_NONE' && fields['valuesLists'] === undefined;

/** SELECT * reads and sends columns that nobody may need, and changes its result with the table. */
export const everyColumn: RewriteRule = {
  id: 'select-star',
  tags: ['SelectStmt'],
  look(place) {
    const { fields, scope, top } = place;
    if (!top || !isPlainQuery(fields) || listOf(fields['fromClause']).length === 0) return undefined;
    const stars = listOf(fields['targetList'])
      .map((target) => fieldsOf(fieldsOf(target, 'ResTarget')?.['val'], 'ColumnRef'))
      .filter(
        (ref) => ref !== undefined && listOf(ref['fields']).some((name) => fieldsOf(name, 'A_Star') !== undefined),
      );
    const [star] = stars;
    if (!star) return undefined;
    const parts = namesOf(listOf(star['fields']));
    const qualifier = parts.length === 2 ? parts[0] : undefined;
    return {
      severity: 'info',
      message: `SELECT ${qualifier === undefined ? '' : `${qualifier}.`}* gives every column, those added later too`,
      advice: 'Name the columns that are used: less to read and send, and an index may hold all of them.',
      rewritten: stars.length === 1 && !scope.merged && !scope.others ? named(place, star, qualifier) : null,
      provided: null,
    };
  },
};

function named({ source, scope, catalog }: Place, star: TreeObject, qualifier: string | undefined): string | null {
  const relations =
    qualifier === undefined ? scope.relations : scope.relations.filter(({ name }) => name === qualifier);
  const several = scope.relations.length > 1;
  const columns = relations.map(({ table, name }) =>
    catalog
      ?.columns(table)
      ?.map((column) => `${several ? `${readableIdentifier(name)}.` : ''}${readableIdentifier(column.name)}`),
  );
  const first = source.tokenAt(star['location']);
  const token = first === undefined ? undefined : source.tokens[first];
  const last = first === undefined ? undefined : source.tokens[first + (qualifier === undefined ? 0 : 2)];
  if (
    !token ||
    last?.text !== '*' ||
    columns.length === 0 ||
    columns.some((list) => list === undefined || list.length === 0)
  )
    return null;
  return source.replaced({ start: token.start, end: last.end, by: columns.flatMap((list) => list ?? []).join(', ') });
}

/** Nothing bounds how much comes. */
export const unboundedRead: RewriteRule = {
  id: 'unbounded-read',
  tags: ['SelectStmt'],
  look({ fields, top, scope }) {
    const bounded = ['whereClause', 'limitCount', 'groupClause', 'distinctClause', 'intoClause', 'havingClause'];
    if (
      !top ||
      !isPlainQuery(fields) ||
      scope.relations.length === 0 ||
      bounded.some((clause) => fields[clause] !== undefined)
    )
      return undefined;
    if (hasAggregate(fields['targetList']) || mayAggregate(fields['targetList'])) return undefined;
    return {
      severity: 'info',
      message: 'It gives all rows, however many there will be',
      advice: 'Add a condition or LIMIT, or read it page by page (a cursor, or by key).',
      rewritten: null,
      provided: null,
    };
  },
};

/** From here on, skipping is felt. */
const manyRows = 1000;

export const offsetPage: RewriteRule = {
  id: 'offset-page',
  tags: ['SelectStmt'],
  look({ fields }) {
    const offset = constantOf(fields['limitOffset']);
    if (!offset || fields['limitCount'] === undefined) return undefined;
    if (offset.kind !== 'parameter' && !(offset.kind === 'integer' && offset.value >= manyRows)) return undefined;
    const keys = listOf(fields['sortClause']).map((sort) => columnOf(fieldsOf(sort, 'SortBy')?.['node'])?.name);
    const known = keys.length > 0 && keys.every((key) => key !== undefined);
    const [first] = keys;
    const key = known ? (keys.length === 1 ? first : `(${keys.join(', ')})`) : '(key)';
    const descending = fieldsOf(listOf(fields['sortClause'])[0], 'SortBy')?.['sortby_dir'] === 'SORTBY_DESC';
    return {
      severity: offset.kind === 'integer' ? 'warning' : 'info',
      message: `OFFSET ${offset.kind === 'integer' ? offset.value : 'of a page'} produces all rows before it and throws them away`,
      advice: `Page by key: WHERE ${key} ${descending ? '<' : '>'} (that of the last row seen)${known ? '' : ', in the order of a unique key'}; every page then takes the same time.`,
      rewritten: null,
      provided: null,
    };
  },
};

export const randomOrder: RewriteRule = {
  id: 'random-order',
  tags: ['SelectStmt'],
  look({ fields }) {
    const random = listOf(fields['sortClause']).some((sort) => {
      const call = fieldsOf(fieldsOf(sort, 'SortBy')?.['node'], 'FuncCall');
      return /^(?:random|gen_random_uuid|uuid_generate_v4)$/.test(namesOf(call?.['funcname']).at(-1) ?? '');
    });
    if (!random || listOf(fields['fromClause']).length === 0) return undefined;
    return {
      severity: 'warning',
      message: 'ORDER BY random() reads and sorts all rows to give some',
      advice:
        'TABLESAMPLE SYSTEM_ROWS (tsm_system_rows) gives some without reading all, and so does a random key: WHERE id >= … ORDER BY id LIMIT 1.',
      rewritten: null,
      provided: null,
    };
  },
};

/** DISTINCT over what GROUP BY has made distinct already. */
export const distinctGroups: RewriteRule = {
  id: 'distinct-groups',
  tags: ['SelectStmt'],
  look({ fields, source }) {
    const distinct = listOf(fields['distinctClause']);
    const groups = listOf(fields['groupClause']);
    if (distinct.length !== 1 || (isObject(distinct[0]) && Object.keys(distinct[0]).length > 0) || groups.length === 0)
      return undefined;
    const targets = listOf(fields['targetList']).map((target) => fieldsOf(target, 'ResTarget'));
    const values = targets.map((target) => target?.['val']);
    const given = groups.every((group) => isGiven(group, values));
    // A set-returning function gives several rows for a group.
    const simple = values.every(
      (value) => columnOf(value) !== undefined || fieldsOf(value, 'FuncCall') === undefined || hasAggregate(value),
    );
    if (!given || !simple) return undefined;
    const span = distinctWord(source, targets[0]?.['location']);
    return {
      severity: 'info',
      message: 'DISTINCT has nothing to do: each group is one row with its own key',
      advice: 'Leave DISTINCT out.',
      rewritten: span ? source.replaced({ ...span, by: '' }) : null,
      provided: null,
    };
  },
};

function isGiven(group: Tree, values: readonly (Tree | undefined)[]): boolean {
  if (fieldsOf(group, 'GroupingSet')) return false;
  const place = constantOf(group);
  if (place) return place.kind === 'integer' && values[place.value - 1] !== undefined;
  return columnOf(group) !== undefined && values.some((value) => sameTree(value, group));
}

/** DISTINCT before the first value of a list. */
function distinctWord(source: Place['source'], location: Tree | undefined): { start: number; end: number } | undefined {
  const first = source.tokenAt(location);
  const [word, next] = first === undefined ? [] : [source.tokens[first - 1], source.tokens[first]];
  return word?.text === 'distinct' && word.kind === 'word' && next ? { start: word.start, end: next.start } : undefined;
}

/** DISTINCT of one table's columns behind a join: made to hide what the join has multiplied. */
export const distinctJoin: RewriteRule = {
  id: 'distinct-join',
  tags: ['SelectStmt'],
  look({ fields, scope }) {
    if (
      listOf(fields['distinctClause']).length !== 1 ||
      fields['groupClause'] !== undefined ||
      scope.relations.length < 2
    )
      return undefined;
    const qualifiers = new Set(
      listOf(fields['targetList']).map((target) => columnOf(fieldsOf(target, 'ResTarget')?.['val'])?.qualifier),
    );
    const [only] = qualifiers;
    if (qualifiers.size !== 1 || only === undefined) return undefined;
    return {
      severity: 'info',
      message: `DISTINCT removes rows of ${only} that joins have multiplied`,
      advice: 'Where the other tables only have to have a matching row, EXISTS asks for it without multiplying.',
      rewritten: null,
      provided: null,
    };
  },
};

export const distinctUnion: RewriteRule = {
  id: 'distinct-union',
  tags: ['SelectStmt'],
  look({ fields, top }) {
    if (fields['op'] !== 'SETOP_UNION' || fields['all'] === true || !top) return undefined;
    return {
      severity: 'info',
      message: 'UNION sorts or hashes all rows to remove those that are the same',
      advice: 'Where no two rows can be the same, or both are wanted, UNION ALL spares that.',
      rewritten: null,
      provided: null,
    };
  },
};

/** A condition on groups that asks only for their key. */
export const havingKey: RewriteRule = {
  id: 'having-key',
  tags: ['SelectStmt'],
  look({ fields, source }) {
    const having = fields['havingClause'];
    const groups = listOf(fields['groupClause']);
    if (having === undefined || groups.length === 0 || fields['whereClause'] !== undefined) return undefined;
    const plain =
      groups.every((group) => columnOf(group) !== undefined) &&
      !mayAggregate(having) &&
      !JSON.stringify(having).includes('"SubLink"');
    if (!plain) return undefined;
    const piece = havingPiece(source, fields['fromClause']);
    return {
      severity: 'info',
      message: 'HAVING asks for nothing but the key of the groups',
      advice:
        'Write it in WHERE: rows that are not wanted are then never grouped (the planner does so by itself where it can).',
      rewritten: piece
        ? source.replaced({ ...piece.having, by: '' }, { ...piece.group, by: `WHERE ${piece.condition} ` })
        : null,
      provided: null,
    };
  },
};

/** Places of GROUP BY and HAVING in a query with one of each. */
function havingPiece(
  source: Place['source'],
  from: Tree | undefined,
): { group: { start: number; end: number }; having: { start: number; end: number }; condition: string } | undefined {
  const word = (text: string): number[] =>
    source.tokens.flatMap((token, index) => (token.kind === 'word' && token.text === text ? [index] : []));
  const [groups, havings] = [word('group'), word('having')];
  const [group, having] = [groups[0], havings[0]];
  if (groups.length !== 1 || havings.length !== 1 || group === undefined || having === undefined || from === undefined)
    return undefined;
  const grouping = source.tokens[group];
  const operands = source.operands(having);
  const first = source.tokens[having];
  if (!grouping || !first || !operands || word('where').length > 0 || word('and').length + word('or').length > 0)
    return undefined;
  return {
    group: { start: grouping.start, end: grouping.start },
    having: { start: first.start, end: operands.right.end },
    condition: source.slice(operands.right),
  };
}
