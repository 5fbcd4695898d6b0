import type { References } from '../../../sql/index.ts';
import { type Catalog, firstUserOid, type Operator, type Routine } from './catalog/index.ts';
import type { Closure, RoutineUse } from './closure.ts';
import type { Names } from './names.ts';

/** A function that the statement may call, if values can have its types. */
interface Candidate {
  readonly routine: Routine;
  readonly use: RoutineUse;
  /** Those of its types that are not built in. */
  readonly types: readonly number[];
  /** Nothing built in bears the name, or its types come from elsewhere: then constants may take its types. */
  readonly alone: boolean;
}

/**
 * Adds the functions that a statement may call: all that its names can mean. Which one the server takes depends on types, and the
 * text has none; but what takes a type that no value of the statement can have is not called.
 */
export function addCandidates(references: References, catalog: Catalog, names: Names, closure: Closure): void {
  let waiting = [
    ...callCandidates(references, names),
    ...fieldCandidates(references, names),
    ...operatorCandidates(references, catalog, names),
    ...castCandidates(catalog),
  ];
  for (let before = -1; before !== waiting.length;) {
    before = waiting.length;
    waiting = waiting.filter((candidate) => {
      if (!isPossible(candidate, catalog, closure)) return true;
      closure.addRoutine(candidate.routine, candidate.use);
      for (const type of candidate.types) closure.addType(type);
      return false;
    });
  }
}

function isPossible({ types, alone, use }: Candidate, catalog: Catalog, closure: Closure): boolean {
  const foreign = types.filter((type) => !closure.types.has(type));
  if (foreign.length === 0) return true;
  if (use === 'cast') return false;
  if (alone) return true;
  // Of several functions the server takes one that needs casts only when none fits better, and these casts it may do.
  return foreign.some((type) =>
    catalog.casts.some(
      ({ implicit, source, target }) =>
        implicit && target === type && (source < firstUserOid || closure.types.has(source)),
    ),
  );
}

function callCandidates({ functions }: References, names: Names): Candidate[] {
  return functions.flatMap((call) => {
    const found = names.routines(call).filter((routine) => !isSettingFunction(routine));
    const builtin = found.some(({ oid }) => oid < firstUserOid);
    return found.map((routine): Candidate => ({ routine, use: 'call', types: routine.types, alone: !builtin }));
  });
}

/** The settings that it asks for are told by the statement. */
function isSettingFunction({ oid, name }: Routine): boolean {
  return oid < firstUserOid && name === 'current_setting';
}

/**
 * `x.name` where a function of that name takes the row. Of the built-in ones that do only pg_typeof() and the like do harm; the
 * others bear names that columns bear too.
 */
function fieldCandidates({ fields }: References, names: Names): Candidate[] {
  return fields.flatMap((name) =>
    names
      .routines({ name: [name], arguments: 1 })
      .filter(({ takesRow, oid }) => takesRow && (oid >= firstUserOid || name.startsWith('pg_')))
      .map((routine): Candidate => ({ routine, use: 'call', types: [], alone: true })),
  );
}

function operatorCandidates({ operators }: References, catalog: Catalog, names: Names): Candidate[] {
  return [...new Map(operators.map((name) => [name.join('.'), name])).values()].flatMap((name) => {
    const found = names.operators(name);
    const builtin = found.some(({ schema }) => schema === 'pg_catalog');
    return found.flatMap((operator): Candidate[] => {
      const routine = catalog.routine(operator.routine);
      return routine ? [{ routine, use: 'operator', types: typesOf(operator), alone: !builtin }] : [];
    });
  });
}

function typesOf({ left, right }: Operator): number[] {
  return [left, right].filter((type) => type >= firstUserOid);
}

/** Casts between types that values of the statement have; explicit ones too, since `x::type` may be any of these. */
function castCandidates(catalog: Catalog): Candidate[] {
  return catalog.casts.flatMap(({ source, target, routine: oid }): Candidate[] => {
    const routine = oid === 0 ? undefined : catalog.routine(oid);
    const types = [source, target].filter((type) => type >= firstUserOid);
    return routine ? [{ routine, use: 'cast', types, alone: false }] : [];
  });
}
