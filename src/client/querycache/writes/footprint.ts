import type { FunctionJudge, StatementDescription, StatementEffects } from '../../../sql/index.ts';
import { type Catalog, firstUserOid, Names, Refusal, refuse, type Session } from '../dependencies/index.ts';
import { CallSearch, refuseWritingCalls } from './calls.ts';
import { Reach } from './reach.ts';

/** OIDs of the tables that a write may have changed, or `'unknown'`: it may have been any. */
export type Footprint = ReadonlySet<number> | 'unknown';

/** A footprint, and why it is unknown if so, in words that follow "it may have changed any table: ". */
export interface ExplainedFootprint {
  readonly tables: Footprint;
  readonly reason: string | undefined;
}

/**
 * The tables that a statement may have changed: those it names, those behind views, partitions and inheriting tables, those that
 * foreign keys lead to, and materialised views that it refreshes. Never less than what the server changed; where triggers, rules or
 * functions may have done more, or the text leaves it open, `'unknown'`. Empty for what only reads. Never throws.
 *
 * Functions that are declared immutable or stable count as what they say. The server refuses statements that write in them; that
 * one calls another which does, it cannot prevent, nor is that seen here unless its body can be looked into.
 * @param session as it was when the statement was sent.
 * @param judge what the application says of its functions.
 */
export function footprintOf(
  { effects, reason, kind }: StatementDescription,
  catalog: Catalog,
  session: Session,
  judge: FunctionJudge,
): ExplainedFootprint {
  if (!effects) return { tables: 'unknown', reason: reason ?? `its text (${kind}) does not tell` };
  try {
    return { tables: resolve(effects, catalog, session, judge), reason: undefined };
  } catch (error) {
    if (error instanceof Refusal) return { tables: 'unknown', reason: error.message };
    throw error;
  }
}

const nothing: ReadonlySet<number> = new Set();

function resolve(
  effects: StatementEffects,
  catalog: Catalog,
  session: Session,
  judge: FunctionJudge,
): ReadonlySet<number> {
  const { changes, reads, functions, operators, fields, types } = effects;
  if (session.settings['standard_conforming_strings'] === 'off') {
    refuse('standard_conforming_strings is off, so that it may be another statement than it seems');
  }
  const names = new Names(catalog, session);
  const search = new CallSearch(catalog, judge);
  const reach = new Reach(catalog, names, judge, search);
  for (const { schema, name, by, only } of changes) {
    const relation = names.relation(schema, name);
    if (relation.oid < firstUserOid) refuse(`${relation.schema}.${relation.name} is the system's own`);
    reach.write(relation, by, { whole: !only, moving: false });
  }
  for (const { schema, name } of reads) search.relation(names.relation(schema, name).oid);
  for (const name of functions) addCalls(name, names, judge, search);
  for (const name of fields) {
    for (const routine of names.routines({ name: [name], arguments: 1 })) {
      if (routine.takesRow && routine.oid >= firstUserOid) search.routine(routine.oid);
    }
  }
  for (const name of types) {
    const type = names.type(name);
    if (type && 'kind' in type) for (const oid of type.types) search.type(oid);
    else if (type) search.type(type.oid);
  }
  refuseWritingCalls(catalog, judge, names, operators, search.types);
  return reach.tables.size === 0 ? nothing : reach.tables;
}

/** All functions that a name may mean: which one the server takes depends on types, and the text has none. */
function addCalls(name: readonly string[], names: Names, judge: FunctionJudge, search: CallSearch): void {
  if (judge.declared(name.at(-2) ?? '', name.at(-1) ?? '') === 'none') return;
  const routines = names.routines({ name, arguments: undefined });
  for (const { oid } of routines) search.routine(oid);
  // A cast may be written as a call.
  if (routines.length === 0 && !names.type(name)) refuse(`the function ${name.join('.')}() is not known`);
}
