import { contentOf } from '../describe/content.ts';
import { parse, parserLoaded } from '../describe/parser.ts';
import { relationsOf } from '../describe/relations.ts';
import {
  fieldsOf,
  isObject,
  listOf,
  namesOf,
  type Node,
  textOf,
  type Tree,
  type TreeObject,
} from '../describe/tree.ts';
import { castSources, functionReference } from './cast-sources.ts';
import { equalitiesOf } from './equalities.ts';
import type {
  CastSource,
  FunctionReference,
  References,
  ReferencesAnswer,
  RelationReference,
  TypeReference,
} from './references.ts';

/** Longer texts are not parsed, as for descriptions. */
const mostText = 50_000;

/**
 * What a query refers to, for those who resolve its names. Only for one SELECT, VALUES or TABLE that changes nothing by its form;
 * of all others, and before `loadParser()` is done, it says why not. Never throws. Takes as long as parsing; nothing is remembered.
 */
export function referencesOf(text: string): ReferencesAnswer {
  if (text.length > mostText) return { reason: `it is longer than ${mostText} characters` };
  const statements = parse(text);
  if (!statements) return { reason: parserLoaded() ? 'it cannot be parsed' : 'the parser is not loaded' };
  const [statement] = statements;
  if (!statement || statements.length > 1) return { reason: 'it is not one statement' };
  if (statement.tag !== 'SelectStmt') return { reason: 'it is not a query' };
  try {
    const { obstacle, temporaryType, operators } = contentOf({ [statement.tag]: statement.fields });
    const { temporary } = relationsOf(statement);
    if (obstacle !== undefined) return { reason: obstacle };
    if (temporary || temporaryType) return { reason: 'it names a temporary table or type' };
    return { references: collect(statement, operators) };
  } catch (error) {
    if (error instanceof RangeError) return { reason: 'it is nested too deeply' };
    throw error;
  }
}

/** Operators that keywords stand for: JOIN USING, CASE x WHEN, IN (SELECT …), CYCLE; and BETWEEN. */
const equal = ['='];
const between = ['>=', '<='];

/**
 * Words that the input of dates and times takes for a moment that moves (date/time types, "Special Values"). Not within other words:
 * 'unknown' is none.
 */
const movingWord = /(?<![a-z])(?:now|today|tomorrow|yesterday)(?![a-z])/i;

/** Whether a text, read as a date or time, may mean another moment each time. */
export function isMovingText(text: string): boolean {
  return movingWord.test(text);
}

interface Collected {
  functions: FunctionReference[];
  keywordOperators: Set<string>;
  columns: Set<string>;
  fields: Set<string>;
  types: TypeReference[];
  aliases: Set<string>;
  valueFunctions: Set<string>;
  settings: Set<string | undefined>;
  movingConstant: boolean;
  functionInFrom: boolean;
  samples: boolean;
  /** Relations named with their children. */
  whole: Set<string>;
}

function collect(statement: Node, operators: string[][]): References {
  const found: Collected = {
    functions: [],
    keywordOperators: new Set(),
    columns: new Set(),
    fields: new Set(),
    types: [],
    aliases: new Set(),
    valueFunctions: new Set(),
    settings: new Set(),
    movingConstant: false,
    functionInFrom: false,
    samples: false,
    whole: new Set(),
  };
  visit({ [statement.tag]: statement.fields }, found, true);
  const relations: RelationReference[] = relationsOf(statement).read.map(({ schema, name }) =>
    Object.freeze({ schema, name, only: !found.whole.has(relationKey(schema, name)) }),
  );
  return Object.freeze({
    relations: Object.freeze(relations),
    functions: Object.freeze(found.functions),
    columns: Object.freeze([...found.columns]),
    fields: Object.freeze([...found.fields]),
    operators: Object.freeze([...operators, ...Array.from(found.keywordOperators, (name) => [name])]),
    types: Object.freeze(found.types),
    aliases: found.aliases,
    valueFunctions: Object.freeze([...found.valueFunctions]),
    settings: Object.freeze([...found.settings]),
    movingConstant: found.movingConstant,
    functionInFrom: found.functionInFrom,
    samples: found.samples,
    equalities: equalitiesOf(statement.fields),
  });
}

function relationKey(schema: string | undefined, name: string): string {
  return JSON.stringify([schema, name]);
}

/** @param outermost the query's own list of results is at hand, whose names nothing else in it can use. */
function visit(tree: Tree | undefined, found: Collected, outermost = false): void {
  if (Array.isArray(tree)) for (const item of tree as readonly Tree[]) visit(item, found);
  else if (isObject(tree)) visitObject(tree, found, outermost);
}

function visitObject(tree: TreeObject, found: Collected, outermost: boolean): void {
  collectNode(tree, found);
  const outermostQuery = outermost ? fieldsOf(tree, 'SelectStmt') : undefined;
  if (outermostQuery) {
    for (const field in outermostQuery) {
      if (field !== 'targetList') visit(outermostQuery[field], found);
      else for (const item of listOf(outermostQuery[field])) visit(fieldsOf(item, 'ResTarget')?.['val'], found);
    }
    return;
  }
  const cast = fieldsOf(tree, 'TypeCast');
  if (cast) {
    if (isObject(cast['typeName'])) addType(cast['typeName'], castSources(cast['arg']), found);
    visit(cast['arg'], found);
    return;
  }
  for (const field in tree) {
    const value = tree[field];
    if (field === 'typeName' && isObject(value)) addType(value, [{ kind: 'other' }], found);
    else visit(value, found);
  }
  // Within JSON and XML expressions a type's name has no wrapping either, and other fields' names.
  if ('typemod' in tree && 'names' in tree) addType(tree, [{ kind: 'other' }], found);
}

function addType(type: TreeObject, sources: readonly CastSource[], found: Collected): void {
  const name = Object.freeze(namesOf(type['names']));
  found.types.push(Object.freeze({ name, array: 'arrayBounds' in type, sources }));
}

function collectNode(tree: TreeObject, found: Collected): void {
  for (const tag in tree) {
    const fields = tree[tag];
    if (isObject(fields)) collectors.get(tag)?.(fields, found);
    if (tag === 'cycle_clause') addOperators(equal, found);
  }
  const columns = isObject(tree['alias']) ? tree['alias'] : tree;
  for (const name of namesOf(columns['colnames'] ?? columns['aliascolnames'])) found.aliases.add(name);
  const alias = textOf(columns['aliasname']);
  if (alias !== undefined) found.aliases.add(alias);
}

const collectors = new Map<string, (fields: TreeObject, found: Collected) => void>([
  ['FuncCall', addCall],
  [
    'ColumnRef',
    (fields, found) => {
      const names = namesOf(fields['fields']);
      found.columns.add(names.at(-1) ?? '');
      addField(listOf(fields['fields']), 1, found);
    },
  ],
  ['A_Indirection', (fields, found) => addField(listOf(fields['indirection']), 0, found)],
  [
    'A_Const',
    (fields, found) => {
      if (isMovingText(constantString(fields) ?? '')) found.movingConstant = true;
    },
  ],
  ['SQLValueFunction', (fields, found) => found.valueFunctions.add(textOf(fields['op']) ?? '')],
  [
    'RangeVar',
    (fields, found) => {
      if (fields['inh'] !== true) return;
      found.whole.add(relationKey(textOf(fields['schemaname']), textOf(fields['relname']) ?? ''));
    },
  ],
  [
    'JoinExpr',
    (fields, found) => {
      if ('usingClause' in fields || fields['isNatural'] === true) addOperators(equal, found);
    },
  ],
  [
    'CaseExpr',
    (fields, found) => {
      if ('arg' in fields) addOperators(equal, found);
    },
  ],
  [
    'SubLink',
    (fields, found) => {
      if (!('operName' in fields)) addOperators(equal, found);
    },
  ],
  [
    'A_Expr',
    (fields, found) => {
      if (textOf(fields['kind'])?.includes('BETWEEN')) addOperators(between, found);
    },
  ],
  ['RangeTableSample', (_, found) => (found.samples = true)],
  ['RangeFunction', (_, found) => (found.functionInFrom = true)],
  ['RangeTableFunc', (_, found) => (found.functionInFrom = true)],
  ['JsonTable', (_, found) => (found.functionInFrom = true)],
  ['ResTarget', (fields, found) => found.aliases.add(textOf(fields['name']) ?? '')],
  ['ColumnDef', (fields, found) => found.aliases.add(textOf(fields['colname']) ?? '')],
]);

function addOperators(names: readonly string[], found: Collected): void {
  for (const name of names) found.keywordOperators.add(name);
}

/** A name behind a dot; the first one is a table's or a column's. */
function addField(names: readonly Tree[], from: number, found: Collected): void {
  for (const item of names.slice(from)) {
    const name = textOf(fieldsOf(item, 'String')?.['sval']);
    if (name !== undefined) found.fields.add(name);
  }
}

function addCall(call: TreeObject, found: Collected): void {
  const reference = functionReference(call);
  found.functions.push(reference);
  // `date(x)` may be a cast as well.
  if (reference.arguments === 1) {
    const sources = castSources(listOf(call['args'])[0]);
    found.types.push(Object.freeze({ name: reference.name, array: false, sources, call: true }));
  }
  if (reference.name.at(-1) === 'current_setting') {
    const [argument] = listOf(call['args']);
    found.settings.add(constantString(fieldsOf(argument, 'A_Const'))?.toLowerCase());
  }
}

function constantString(constant: TreeObject | undefined): string | undefined {
  const string = constant?.['sval'];
  return isObject(string) ? (textOf(string['sval']) ?? '') : undefined;
}
