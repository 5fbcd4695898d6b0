import { referencesOf, type CastSource, type References } from '../../../sql/index.ts';
import { unsteadyColumns } from './builtins.ts';
import { addCandidates } from './candidates.ts';
import type { Catalog } from './catalog/index.ts';
import { Closure } from './closure.ts';
import type { DeclaredFunctions } from './declared.ts';
import { Names } from './names.ts';
import { type Pin, pinOf } from './pins.ts';
import { Refusal, refuse } from './refusal.ts';
import type { Session } from './session.ts';

/** What a statement's result depends on, or why it cannot be told, in words that follow "not cached: ". */
export type Dependencies = CacheableDependencies | { readonly cacheable: false; readonly reason: string };

export interface CacheableDependencies {
  readonly cacheable: true;
  /**
   * OIDs of all tables that are read, of their partitions and inheriting tables, of parents that are named, and of views on the
   * way (which have no rows of their own). Ascending. None for `SELECT 1`.
   */
  readonly tables: readonly number[];
  /** Those of them whose contents change by REFRESH only, which the change stream does not tell. */
  readonly materializedViews: readonly number[];
  /**
   * What the key of a result must have in it besides text, parameters and the session's settings: `role` always, `session_user`,
   * and names of settings that the statement, a policy or a function asks for.
   */
  readonly keyInputs: readonly string[];
  readonly pin: Pin | undefined;
}

/**
 * Says what a statement's result depends on, for a session and by a catalog. What it says is never less than what the server
 * would read; where the text leaves it open, it is more, or a refusal. Parameters are not looked at: see `areMoving`. Never throws.
 * Takes about a millisecond, most of it for parsing.
 */
export function dependenciesOf(
  text: string,
  catalog: Catalog,
  session: Session,
  declared: DeclaredFunctions = {},
): Dependencies {
  const { references, reason } = referencesOf(text);
  if (!references) return Object.freeze({ cacheable: false, reason });
  try {
    return resolve(references, catalog, session, declared);
  } catch (error) {
    if (error instanceof Refusal) return Object.freeze({ cacheable: false, reason: error.message });
    throw error;
  }
}

function resolve(
  references: References,
  catalog: Catalog,
  session: Session,
  declared: DeclaredFunctions,
): Dependencies {
  refuseUnsteady(references);
  if (session.settings['standard_conforming_strings'] === 'off') {
    refuse('standard_conforming_strings is off, so that its constants are others than they seem');
  }
  const names = new Names(catalog, session);
  const closure = new Closure(catalog, names, declared, session.role);
  const relations = references.relations.map(({ schema, name, only }) => {
    const relation = names.relation(schema, name);
    closure.addRelation(relation, only);
    return relation;
  });
  for (const name of references.settings) {
    closure.inputs.add(name ?? refuse('it computes the name of the setting that it asks for'));
  }
  if (references.valueFunctions.includes('SVFOP_SESSION_USER')) closure.inputs.add('session_user');
  refuseUnknownCalls(references, names);
  addTypes(references, catalog, names, closure);
  addCandidates(references, catalog, names, closure);
  const [relation] = relations;
  const pin = relation && relations.length === 1 ? pinOf(references, relation, catalog, names, closure) : undefined;
  return Object.freeze({
    cacheable: true,
    tables: Object.freeze([...closure.tables].toSorted((a, b) => a - b)),
    materializedViews: Object.freeze([...closure.materializedViews]),
    keyInputs: Object.freeze([...closure.inputs].toSorted()),
    pin,
  });
}

const steadyValueFunctions = new Set(
  ['CATALOG', 'ROLE', 'SCHEMA', 'USER']
    .map((name) => `SVFOP_CURRENT_${name}`)
    .concat('SVFOP_USER', 'SVFOP_SESSION_USER'),
);

/** What needs no catalog to be refused. */
function refuseUnsteady({ valueFunctions, movingConstant, samples, columns }: References): void {
  const clock = valueFunctions.find((name) => !steadyValueFunctions.has(name));
  if (clock !== undefined) refuse(`${clock.replace('SVFOP_', '').replace(/_N$/, '')} depends on the time`);
  if (movingConstant) refuse(`it has a constant like 'now' or 'today', which may stand for a time`);
  if (samples) refuse('it samples a table');
  const column = columns.find((name) => unsteadyColumns.has(name));
  if (column !== undefined) refuse(`${column} changes without a change of the row`);
}

/** Of a call by a name that nothing bears, it cannot be said what it does: the catalog is behind, or the statement is wrong. */
function refuseUnknownCalls({ functions }: References, names: Names): void {
  for (const call of functions) {
    if (names.routines(call).length > 0) continue;
    if (call.arguments === 1 && names.type(call.name)) continue;
    refuse(`the function ${call.name.join('.')}() is not known`);
  }
}

/** Types that are named: what is cast to them, and whether that reads text as a time. */
function addTypes(references: References, catalog: Catalog, names: Names, closure: Closure): void {
  for (const { name, sources, call } of references.types) {
    const type = names.type(name);
    if (!type) {
      if (call) continue;
      refuse(`the type ${name.join('.')} is not known`);
    }
    const isRow = 'kind' in type;
    if (isRow) for (const oid of type.types) closure.addType(oid);
    else closure.addType(type.oid);
    const reads = isRow ? !call : closure.isMoment(type.oid);
    if (reads && sources.some((source) => mayBeText(source, references, catalog, names, closure))) {
      refuse(`it may read text as ${name.join('.')}, and 'now' is a time in words`);
    }
  }
}

function mayBeText(
  source: CastSource,
  references: References,
  catalog: Catalog,
  names: Names,
  closure: Closure,
): boolean {
  switch (source.kind) {
    // A text with such a word has been refused, and parameters are looked at when they are known.
    case 'constant':
      return false;
    case 'column':
      return !catalog.momentColumns.has(source.name) || mayBeNamed(source.name, references);
    case 'function': {
      const routines = names.routines(source.call);
      return routines.length === 0 || routines.some(({ givesText }) => givesText);
    }
    case 'type': {
      const type = names.type(source.name);
      return type === undefined || 'kind' in type || !closure.isMoment(type.oid);
    }
    case 'other':
      return true;
  }
}

/** Whether a sub-query, an alias or a function in FROM may give a column of that name. */
function mayBeNamed(column: string, { aliases, functionInFrom, functions }: References): boolean {
  // Columns without a name are named after the function that gives them, those of VALUES are numbered.
  const unnamed = functions.some(({ name }) => name.at(-1) === column) || /^column\d+$/.test(column);
  return functionInFrom || aliases.has(column) || unnamed;
}
