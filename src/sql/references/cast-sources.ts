import { fieldsOf, isObject, listOf, namesOf, type Tree, type TreeObject } from '../describe/tree.ts';
import type { CastSource, FunctionReference } from './references.ts';

/** Functions whose value is of the type of what they are given. */
const passingOn = new Set(['min', 'max', 'lag', 'lead', 'first_value', 'last_value', 'nth_value', 'any_value']);

const constant: CastSource = Object.freeze({ kind: 'constant' });
const other: CastSource = Object.freeze({ kind: 'other' });

/** What the value of an expression may come from, as far as its type goes. */
export function castSources(expression: Tree | undefined): CastSource[] {
  if (expression === undefined) return [];
  if (fieldsOf(expression, 'A_Const') ?? fieldsOf(expression, 'ParamRef')) return [constant];
  const names = namesOf(fieldsOf(expression, 'ColumnRef')?.['fields']);
  const column = names.at(-1);
  if (column !== undefined && column !== '*') return [{ kind: 'column', name: column }];
  const cast = fieldsOf(expression, 'TypeCast');
  if (cast) return [typeSource(cast)];
  const call = fieldsOf(expression, 'FuncCall');
  if (call) return callSources(call);
  return partsOf(expression)?.flatMap(castSources) ?? [other];
}

/** The expressions one of which gives the value, or whose types it follows. */
function partsOf(expression: Tree): readonly (Tree | undefined)[] | undefined {
  const choice = fieldsOf(expression, 'CoalesceExpr') ?? fieldsOf(expression, 'MinMaxExpr');
  if (choice) return listOf(choice['args']);
  const cases = fieldsOf(expression, 'CaseExpr');
  if (cases)
    return [...listOf(cases['args']).map((item) => fieldsOf(item, 'CaseWhen')?.['result']), cases['defresult']];
  const array = fieldsOf(expression, 'A_ArrayExpr');
  if (array) return listOf(array['elements']);
  const operation = fieldsOf(expression, 'A_Expr');
  if (operation?.['kind'] === 'AEXPR_NULLIF') return [operation['lexpr']];
  // No text comes of these two, unless an operator of that name was made for it.
  if (operation && /^[+-]$/.test(namesOf(operation['name']).join('.'))) return [operation['lexpr'], operation['rexpr']];
  return undefined;
}

function callSources(call: TreeObject): CastSource[] {
  const name = namesOf(call['funcname']);
  if (name.length === 1 && passingOn.has(name[0] ?? '')) return castSources(listOf(call['args'])[0]);
  return [{ kind: 'function', call: functionReference(call) }];
}

export function functionReference(call: TreeObject): FunctionReference {
  const open = call['agg_within_group'] === true || call['func_variadic'] === true;
  return Object.freeze({
    name: Object.freeze(namesOf(call['funcname'])),
    arguments: open ? undefined : listOf(call['args']).length,
  });
}

function typeSource(cast: TreeObject): CastSource {
  const type = isObject(cast['typeName']) ? cast['typeName'] : {};
  return { kind: 'type', name: namesOf(type['names']), array: 'arrayBounds' in type };
}
