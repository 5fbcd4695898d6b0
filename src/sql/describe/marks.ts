import { fieldsOf, isObject, listOf, nodeOf, type Tree, type TreeObject } from './tree.ts';

/** What of a text the parser takes for constants; by byte, as the parser counts. */
export interface Marks {
  /**
   * Where constants begin: numbers, words (`true`, `null`), the sign before a number. Not the numbers that are no values: places
   * in ORDER BY and GROUP BY, lengths of types.
   */
  constants: ReadonlySet<number>;
  /** Where lists of values begin and end. */
  lists: ReadonlyMap<number, number>;
}

/** Finds the marks in a parse tree. */
export function marksOf(tree: Tree): Marks {
  const constants = new Set<number>();
  const lists = new Map<number, number>();

  /** @param place a number here is no value, unless it is part of an expression. */
  const visit = (part: Tree | undefined, place: boolean): void => {
    if (Array.isArray(part)) for (const item of part as readonly Tree[]) visit(item, place);
    else if (isObject(part)) visitObject(part, place);
  };

  const visitObject = (part: TreeObject, place: boolean): void => {
    const node = nodeOf(part);
    if (node?.tag === 'A_Const') {
      const { location } = node.fields;
      if (typeof location === 'number' && !(place && 'ival' in node.fields)) constants.add(location);
    } else if (node?.tag === 'DefElem') {
      // Options are words of the language: ISOLATION LEVEL SERIALIZABLE.
    } else if (node) {
      const list = listOfValues(node.fields);
      if (list) lists.set(...list);
      visitFields(node.fields, place && node.tag === 'SortBy');
    } else visitFields(part, false);
  };

  const visitFields = (fields: TreeObject, inSort: boolean): void => {
    const query = 'limitOption' in fields;
    for (const field in fields) {
      const clause = query && (field === 'sortClause' || field === 'groupClause' || field === 'distinctClause');
      visit(fields[field], clause || field === 'typmods' || (inSort && field === 'node'));
    }
  };

  visit(tree, false);
  return { constants, lists };
}

/** Where the elements of an IN list or array begin and end, when all are values and there are several. */
function listOfValues(fields: TreeObject): [start: number, end: number] | undefined {
  const items = listOf(fields['elements'] ?? fieldsOf(fields['rexpr'], 'List')?.['items']);
  const start = fields['list_start'] ?? fields['rexpr_list_start'];
  const end = fields['list_end'] ?? fields['rexpr_list_end'];
  if (typeof start !== 'number' || typeof end !== 'number' || end <= start) return undefined;
  return items.length > 1 && items.every(isValueNode) ? [start, end] : undefined;
}

/** A constant or parameter, cast or not. */
export function isValueNode(item: Tree | undefined): boolean {
  const cast = fieldsOf(item, 'TypeCast');
  if (cast) return isValueNode(cast['arg']);
  return fieldsOf(item, 'A_Const') !== undefined || fieldsOf(item, 'ParamRef') !== undefined;
}
